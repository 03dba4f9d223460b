-- Rows as a site of the first release may have left them, on any database.
INSERT INTO uness_auth_accounts VALUES ('4711', 'camille@univ-exemple.fr', 7, 1795440727, 'Zoé « d''Été » 🎓 ', 'fr', '$argon2id$v=19$m=19456,t=2,p=1$c2Vs$aGFjaGU', FALSE, FALSE);
INSERT INTO uness_auth_accounts VALUES ('4711 ', 'Camille@univ-exemple.fr', 2147483648, 0, '', '', '', TRUE, TRUE);
INSERT INTO uness_auth_accounts VALUES ('é', 'e@univ-exemple.fr', 1, 1795440727, 'e', 'en', '', FALSE, TRUE);
INSERT INTO uness_auth_accounts VALUES ('é', 'é@univ-exemple.fr', 1, 1795440727, 'é', 'en', '', FALSE, FALSE);
INSERT INTO uness_auth_sessions VALUES ('c0c0', '4711', 7, 1795440727, 1795440787, TRUE);
INSERT INTO uness_auth_sessions VALUES ('C0C0', 'nobody', 7, -1, 253402300799, FALSE);
INSERT INTO uness_auth_code_challenges VALUES ('0f0f', '4711', 7, '1a', 'b7b7', 1795440727, 1795440907, 1795441627, 3, FALSE);
INSERT INTO uness_auth_counters VALUES ('5e', 'text: « ''9'' » ', NULL, 1795440727);
INSERT INTO uness_auth_counters VALUES ('5E', NULL, 4611686018427387904, 1795440727);
INSERT INTO uness_auth_schema VALUES (1);
