-- What the first release made on MariaDB.
CREATE TABLE `uness_auth_accounts` (
  `id` varchar(64) NOT NULL,
  `address` varchar(254) NOT NULL,
  `credential_version` bigint(20) NOT NULL,
  `created_at` bigint(20) NOT NULL,
  `display_name` text NOT NULL,
  `language` varchar(16) NOT NULL,
  `password_hash` text NOT NULL,
  `is_disabled` tinyint(1) NOT NULL,
  `is_password_suspended` tinyint(1) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uness_auth_accounts_address_key` (`address`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
CREATE TABLE `uness_auth_code_challenges` (
  `id` varchar(64) NOT NULL,
  `account_id` varchar(64) NOT NULL,
  `credential_version` bigint(20) NOT NULL,
  `key_id` varchar(64) NOT NULL,
  `browser_digest` varchar(64) NOT NULL,
  `sent_at` bigint(20) NOT NULL,
  `expires_at` bigint(20) NOT NULL,
  `window_ends_at` bigint(20) NOT NULL,
  `attempts_left` int(11) NOT NULL,
  `is_certain` tinyint(1) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_uness_auth_code_challenges_window_ends_at` (`window_ends_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
CREATE TABLE `uness_auth_sessions` (
  `digest` varchar(64) NOT NULL,
  `account_id` varchar(64) NOT NULL,
  `credential_version` bigint(20) NOT NULL,
  `opened_at` bigint(20) NOT NULL,
  `last_seen_at` bigint(20) NOT NULL,
  `is_remembered` tinyint(1) NOT NULL,
  PRIMARY KEY (`digest`),
  KEY `ix_uness_auth_sessions_last_seen_at` (`last_seen_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
CREATE TABLE `uness_auth_counters` (
  `key` varchar(64) NOT NULL,
  `text` varchar(4000) DEFAULT NULL,
  `number` bigint(20) DEFAULT NULL,
  `expires_at` bigint(20) NOT NULL,
  PRIMARY KEY (`key`),
  KEY `ix_uness_auth_counters_expires_at` (`expires_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
CREATE TABLE `uness_auth_schema` (
  `version` int(11) NOT NULL,
  PRIMARY KEY (`version`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
