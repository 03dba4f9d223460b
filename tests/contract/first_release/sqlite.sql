-- What the first release made on SQLite.
CREATE TABLE uness_auth_accounts (
	id VARCHAR(64) COLLATE "BINARY" NOT NULL,
	address VARCHAR(254) COLLATE "BINARY" NOT NULL,
	credential_version BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	display_name TEXT NOT NULL,
	language VARCHAR(16) NOT NULL,
	password_hash TEXT NOT NULL,
	is_disabled BOOLEAN NOT NULL,
	is_password_suspended BOOLEAN NOT NULL,
	CONSTRAINT uness_auth_accounts_pkey PRIMARY KEY (id),
	CONSTRAINT uness_auth_accounts_address_key UNIQUE (address)
) WITHOUT ROWID;
CREATE TABLE uness_auth_code_challenges (
	id VARCHAR(64) COLLATE "BINARY" NOT NULL,
	account_id VARCHAR(64) COLLATE "BINARY" NOT NULL,
	credential_version BIGINT NOT NULL,
	key_id VARCHAR(64) NOT NULL,
	browser_digest VARCHAR(64) NOT NULL,
	sent_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	window_ends_at BIGINT NOT NULL,
	attempts_left INTEGER NOT NULL,
	is_certain BOOLEAN NOT NULL,
	CONSTRAINT uness_auth_code_challenges_pkey PRIMARY KEY (id)
) WITHOUT ROWID;
CREATE INDEX ix_uness_auth_code_challenges_window_ends_at ON uness_auth_code_challenges (window_ends_at);
CREATE TABLE uness_auth_sessions (
	digest VARCHAR(64) COLLATE "BINARY" NOT NULL,
	account_id VARCHAR(64) COLLATE "BINARY" NOT NULL,
	credential_version BIGINT NOT NULL,
	opened_at BIGINT NOT NULL,
	last_seen_at BIGINT NOT NULL,
	is_remembered BOOLEAN NOT NULL,
	CONSTRAINT uness_auth_sessions_pkey PRIMARY KEY (digest)
) WITHOUT ROWID;
CREATE INDEX ix_uness_auth_sessions_last_seen_at ON uness_auth_sessions (last_seen_at);
CREATE TABLE uness_auth_counters (
	"key" VARCHAR(64) COLLATE "BINARY" NOT NULL,
	text VARCHAR(4000) COLLATE "BINARY",
	number BIGINT,
	expires_at BIGINT NOT NULL,
	CONSTRAINT uness_auth_counters_pkey PRIMARY KEY ("key")
) WITHOUT ROWID;
CREATE INDEX ix_uness_auth_counters_expires_at ON uness_auth_counters (expires_at);
CREATE TABLE uness_auth_schema (
	version INTEGER NOT NULL,
	CONSTRAINT uness_auth_schema_pkey PRIMARY KEY (version)
) WITHOUT ROWID;
