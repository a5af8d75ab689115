// The part of a Koji hub's schema that backups look at, with its column names, types and constraints (hub 1.35).

/** Of every versioned table. */
const VERSIONED = `create_event INTEGER NOT NULL REFERENCES events(id), revoke_event INTEGER REFERENCES events(id),
  creator_id INTEGER NOT NULL REFERENCES users(id), revoker_id INTEGER REFERENCES users(id),
  active BOOLEAN DEFAULT 'true' CHECK (active),
  CONSTRAINT active_revoke_sane CHECK (
    (active IS NULL AND revoke_event IS NOT NULL AND revoker_id IS NOT NULL)
    OR (active IS NOT NULL AND revoke_event IS NULL AND revoker_id IS NULL))`;

export const KOJI_SCHEMA = `
CREATE TABLE events (id SERIAL PRIMARY KEY, time TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp());
CREATE TABLE users (id SERIAL PRIMARY KEY, name VARCHAR(255) UNIQUE NOT NULL, password VARCHAR(255),
  status INTEGER NOT NULL, usertype INTEGER NOT NULL);
CREATE TABLE sessions (id SERIAL PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id),
  expired BOOLEAN NOT NULL DEFAULT FALSE, master INTEGER REFERENCES sessions(id), key VARCHAR(255), authtype INTEGER,
  hostip VARCHAR(255), callnum INTEGER, start_time TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  update_time TIMESTAMPTZ NOT NULL DEFAULT NOW(), exclusive BOOLEAN CHECK (exclusive),
  closed BOOLEAN NOT NULL DEFAULT FALSE, renew_time TIMESTAMPTZ);
CREATE TABLE channels (id SERIAL PRIMARY KEY, name VARCHAR(128) UNIQUE NOT NULL, description TEXT,
  enabled BOOLEAN NOT NULL DEFAULT 'true', comment TEXT);
CREATE TABLE host (id SERIAL PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id), name VARCHAR(128) UNIQUE NOT NULL,
  update_time TIMESTAMPTZ, task_load FLOAT CHECK (NOT task_load < 0) NOT NULL DEFAULT 0.0, ready BOOLEAN NOT NULL DEFAULT 'false');
CREATE TABLE host_config (host_id INTEGER NOT NULL REFERENCES host(id), arches TEXT, capacity FLOAT NOT NULL DEFAULT 2.0,
  description TEXT, comment TEXT, enabled BOOLEAN NOT NULL DEFAULT 'true', ${VERSIONED},
  PRIMARY KEY (create_event, host_id), UNIQUE (host_id, active));
CREATE TABLE host_channels (host_id INTEGER NOT NULL REFERENCES host(id), channel_id INTEGER NOT NULL REFERENCES channels(id),
  ${VERSIONED}, PRIMARY KEY (create_event, host_id, channel_id), UNIQUE (host_id, channel_id, active));
CREATE TABLE task (id SERIAL PRIMARY KEY, state INTEGER, create_time TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  start_time TIMESTAMPTZ, completion_time TIMESTAMPTZ, channel_id INTEGER NOT NULL REFERENCES channels(id),
  host_id INTEGER REFERENCES host(id), parent INTEGER REFERENCES task(id), label VARCHAR(255), waiting BOOLEAN, awaited BOOLEAN,
  owner INTEGER REFERENCES users(id) NOT NULL, method TEXT, request TEXT, result TEXT, eta INTEGER, arch VARCHAR(16) NOT NULL,
  priority INTEGER, weight FLOAT CHECK (NOT weight < 0) NOT NULL DEFAULT 1.0);
CREATE TABLE package (id SERIAL PRIMARY KEY, name TEXT UNIQUE NOT NULL);
CREATE TABLE volume (id SERIAL PRIMARY KEY, name TEXT UNIQUE NOT NULL);
CREATE TABLE tag (id SERIAL PRIMARY KEY, name VARCHAR(256) UNIQUE NOT NULL);
CREATE TABLE build (id SERIAL PRIMARY KEY, volume_id INTEGER NOT NULL REFERENCES volume(id),
  pkg_id INTEGER NOT NULL REFERENCES package(id), version TEXT NOT NULL, release TEXT NOT NULL, epoch INTEGER,
  draft BOOLEAN NOT NULL DEFAULT 'false', source TEXT, create_event INTEGER NOT NULL REFERENCES events(id),
  start_time TIMESTAMPTZ, completion_time TIMESTAMPTZ, promotion_time TIMESTAMPTZ, state INTEGER NOT NULL,
  task_id INTEGER REFERENCES task(id), owner INTEGER NOT NULL REFERENCES users(id), promoter INTEGER REFERENCES users(id),
  cg_id INTEGER, extra TEXT, CONSTRAINT build_pkg_ver_rel UNIQUE (pkg_id, version, release));
CREATE TABLE tag_listing (build_id INTEGER NOT NULL REFERENCES build(id), tag_id INTEGER NOT NULL REFERENCES tag(id),
  ${VERSIONED}, PRIMARY KEY (create_event, build_id, tag_id), UNIQUE (build_id, tag_id, active));
CREATE TABLE btype (id SERIAL PRIMARY KEY, name TEXT UNIQUE NOT NULL);
CREATE TABLE external_repo (id SERIAL PRIMARY KEY, name TEXT UNIQUE NOT NULL);
CREATE TABLE rpminfo (id SERIAL PRIMARY KEY, build_id INTEGER REFERENCES build(id), buildroot_id INTEGER, name TEXT NOT NULL,
  version TEXT NOT NULL, release TEXT NOT NULL, epoch INTEGER, arch VARCHAR(16) NOT NULL, draft BOOLEAN,
  external_repo_id INTEGER NOT NULL REFERENCES external_repo(id), payloadhash TEXT NOT NULL, size BIGINT NOT NULL,
  buildtime BIGINT NOT NULL DEFAULT 0, metadata_only BOOLEAN NOT NULL DEFAULT FALSE, extra TEXT,
  CONSTRAINT rpminfo_unique_nvra UNIQUE (name, version, release, arch, external_repo_id));
CREATE TABLE rpmsigs (rpm_id INTEGER NOT NULL REFERENCES rpminfo(id), sigkey TEXT NOT NULL, sighash TEXT NOT NULL,
  CONSTRAINT rpmsigs_no_resign UNIQUE (rpm_id, sigkey));
CREATE TABLE archiveinfo (id SERIAL PRIMARY KEY, type_id INTEGER NOT NULL DEFAULT 1, btype_id INTEGER REFERENCES btype(id),
  build_id INTEGER NOT NULL REFERENCES build(id), buildroot_id INTEGER, filename TEXT NOT NULL, size BIGINT NOT NULL,
  checksum TEXT NOT NULL, checksum_type INTEGER NOT NULL, metadata_only BOOLEAN NOT NULL DEFAULT FALSE, extra TEXT);
CREATE TABLE maven_archives (archive_id INTEGER PRIMARY KEY REFERENCES archiveinfo(id), group_id TEXT NOT NULL,
  artifact_id TEXT NOT NULL, version TEXT NOT NULL);
CREATE TABLE win_archives (archive_id INTEGER PRIMARY KEY REFERENCES archiveinfo(id), relpath TEXT NOT NULL,
  platforms TEXT NOT NULL, flags TEXT);
CREATE TABLE image_archives (archive_id INTEGER PRIMARY KEY REFERENCES archiveinfo(id), arch VARCHAR(16) NOT NULL);
CREATE TABLE repo (id SERIAL PRIMARY KEY, creation_time TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  create_event INTEGER NOT NULL REFERENCES events(id), state_time TIMESTAMPTZ, begin_event INTEGER, end_event INTEGER,
  tag_id INTEGER NOT NULL REFERENCES tag(id), state INTEGER, dist BOOLEAN DEFAULT 'false', opts JSONB, custom_opts JSONB,
  task_id INTEGER REFERENCES task(id));
CREATE TABLE repo_queue (id SERIAL PRIMARY KEY, create_time TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  owner INTEGER REFERENCES users(id) NOT NULL, priority INTEGER NOT NULL, tag_id INTEGER NOT NULL REFERENCES tag(id),
  at_event INTEGER, min_event INTEGER, opts JSONB NOT NULL, update_time TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  active BOOLEAN NOT NULL DEFAULT TRUE, task_id INTEGER REFERENCES task(id), tries INTEGER NOT NULL DEFAULT 0,
  repo_id INTEGER REFERENCES repo(id));
CREATE TABLE buildroot (id SERIAL PRIMARY KEY, br_type INTEGER NOT NULL);
CREATE TABLE standard_buildroot (buildroot_id INTEGER PRIMARY KEY REFERENCES buildroot(id),
  host_id INTEGER NOT NULL REFERENCES host(id), repo_id INTEGER NOT NULL REFERENCES repo(id),
  task_id INTEGER NOT NULL REFERENCES task(id), create_event INTEGER NOT NULL REFERENCES events(id),
  retire_event INTEGER, state INTEGER);
CREATE TABLE build_notifications (id SERIAL PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id), package_id INTEGER,
  tag_id INTEGER, success_only BOOLEAN NOT NULL DEFAULT FALSE, email TEXT NOT NULL);
CREATE TABLE build_reservations (build_id INTEGER PRIMARY KEY REFERENCES build(id), token VARCHAR(64), created TIMESTAMPTZ NOT NULL);
CREATE TABLE scheduler_task_runs (id SERIAL PRIMARY KEY, task_id INTEGER REFERENCES task(id) NOT NULL,
  host_id INTEGER REFERENCES host(id) NOT NULL, active BOOLEAN NOT NULL DEFAULT TRUE, create_time TIMESTAMPTZ NOT NULL DEFAULT NOW());
CREATE TABLE scheduler_task_refusals (id SERIAL PRIMARY KEY, task_id INTEGER REFERENCES task(id) NOT NULL,
  host_id INTEGER REFERENCES host(id) NOT NULL, by_host BOOLEAN NOT NULL, soft BOOLEAN NOT NULL DEFAULT FALSE, msg TEXT,
  time TIMESTAMPTZ NOT NULL DEFAULT NOW());
CREATE TABLE scheduler_host_data (host_id INTEGER REFERENCES host(id) PRIMARY KEY, data JSONB);
CREATE TABLE scheduler_sys_data (name TEXT NOT NULL PRIMARY KEY, data JSONB);
CREATE TABLE scheduler_log_messages (id SERIAL PRIMARY KEY, task_id INTEGER, host_id INTEGER,
  msg_time TIMESTAMPTZ NOT NULL DEFAULT NOW(), msg TEXT NOT NULL);
CREATE TABLE proton_queue (id SERIAL PRIMARY KEY, created_ts TIMESTAMPTZ DEFAULT NOW(), address TEXT NOT NULL,
  props JSON NOT NULL, body JSON NOT NULL);
CREATE TABLE locks (name TEXT NOT NULL PRIMARY KEY);
`;

/** What a busy hub holds beside its builds: history, and work in every state. `$n` = about so many tasks. */
export function busyHubSql(tasks: number): string {
  return `
INSERT INTO events (time) SELECT now() - n * interval '1 minute' FROM generate_series(1, 100) n;
INSERT INTO users (name, status, usertype) SELECT 'person-' || n, 0, 0 FROM generate_series(1, 40) n;
INSERT INTO users (name, status, usertype) SELECT 'builder-' || n, 0, 1 FROM generate_series(1, 10) n;
INSERT INTO channels (name) VALUES ('default'), ('createrepo');
INSERT INTO host (user_id, name, ready, task_load) SELECT 40 + n, 'builder-' || n, n <= 8, n / 2.0 FROM generate_series(1, 10) n;
INSERT INTO host_config (host_id, arches, capacity, enabled, create_event, creator_id, active, revoke_event, revoker_id)
  SELECT n, 'i386', 1, true, 1, 1, NULL, 2, 1 FROM generate_series(1, 10) n;
INSERT INTO host_config (host_id, arches, capacity, enabled, create_event, creator_id)
  SELECT n, 'x86_64', 4, n <= 9, 2, 2 FROM generate_series(1, 10) n;
INSERT INTO host_channels (host_id, channel_id, create_event, creator_id) SELECT n, 1, 2, 1 FROM generate_series(1, 10) n;
INSERT INTO tag (name) SELECT 'tag-' || n FROM generate_series(1, 30) n;
INSERT INTO sessions (user_id, master, key, expired)
  SELECT 1 + n % 50, CASE WHEN n % 5 = 0 THEN n - 1 END, 'key-' || n, n % 3 = 0 FROM generate_series(1, ${tasks}) n;
INSERT INTO task (state, channel_id, host_id, owner, method, arch, completion_time)
  SELECT n % 6, 1, 1 + n % 10, 1 + n % 40, 'buildArch', 'x86_64', CASE WHEN n % 6 IN (2, 3, 5) THEN now() - interval '1 day' END
  FROM generate_series(1, ${tasks}) n;
INSERT INTO repo (create_event, tag_id, state, dist) SELECT 1 + n % 100, 1 + n % 30, n % 5, n % 7 = 0 FROM generate_series(1, 500) n;
INSERT INTO repo_queue (owner, priority, tag_id, opts, active) SELECT 1, 5, 1 + n % 30, '{}', n % 2 = 0 FROM generate_series(1, 50) n;
INSERT INTO buildroot (br_type) SELECT 0 FROM generate_series(1, 1000);
INSERT INTO standard_buildroot (buildroot_id, host_id, repo_id, task_id, create_event, retire_event, state)
  SELECT n, 1 + n % 10, 1 + n % 500, n, 3, CASE WHEN n % 4 = 3 THEN 4 END, n % 4 FROM generate_series(1, 1000) n;
INSERT INTO build_notifications (user_id, email) SELECT n, 'person-' || n || '@example.org' FROM generate_series(1, 40) n;
INSERT INTO scheduler_task_runs (task_id, host_id) SELECT n, 1 FROM generate_series(1, 200) n;
INSERT INTO scheduler_task_refusals (task_id, host_id, by_host) SELECT n, 1, true FROM generate_series(1, 20) n;
INSERT INTO scheduler_host_data VALUES (1, '{}');
INSERT INTO scheduler_sys_data VALUES ('last', '{}');
INSERT INTO scheduler_log_messages (msg) SELECT 'assigned ' || n FROM generate_series(1, 200) n;
INSERT INTO proton_queue (address, props, body) VALUES ('topic', '{}', '{}');
INSERT INTO locks VALUES ('scheduler'), ('protonmsg-plugin');
`;
}
