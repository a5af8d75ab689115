-- Makes a restored copy of the hub's database harmless: nobody is logged in, nothing is at work, nothing will be sent out.
--
-- Run it with psql -X -v ON_ERROR_STOP=1, on a copy and with the hub down. One transaction: all of it or none. Run again
-- it changes nothing. History stays (closed tasks, revoked rows, builds, tags), and no sequence is set back: what the
-- copy makes next gets numbers that the source may give too, which is one more reason never to join the two again.
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL lock_timeout = '30s'; -- a hub that still runs would hold locks: fail instead of waiting for it

-- Whoever holds the key of a session of the source would be logged in here too, kojira and builders among them.
-- TRUNCATE, for there may be millions, each of which DELETE looks for as somebody's master. It sets back no sequence.
TRUNCATE sessions;

-- The event of the changes to versioned tables below; made only if there is one to make.
CREATE TEMP TABLE toji_event ON COMMIT DROP AS SELECT NULL::int AS id WHERE false;
CREATE TEMP TABLE toji_hosts ON COMMIT DROP AS SELECT * FROM host_config WHERE active AND enabled;
CREATE TEMP TABLE toji_buildroots ON COMMIT DROP AS SELECT buildroot_id FROM standard_buildroot WHERE state IN (0, 1, 2);
DO $$
DECLARE made int;
BEGIN
  IF EXISTS (SELECT FROM toji_hosts) OR EXISTS (SELECT FROM toji_buildroots) THEN
    INSERT INTO events (time) VALUES (clock_timestamp()) RETURNING id INTO made;
    INSERT INTO toji_event VALUES (made);
  END IF;
END $$;

-- Hosts are disabled and not ready: a builder that finds this hub gets no task. As the hub does it: the live row is
-- revoked and a new one made, in the name of whoever made the old one. host_channels stays, for a disabled host takes
-- nothing from its channels, and who wants builders on the copy needs only to enable them.
UPDATE host_config SET active = NULL, revoke_event = (SELECT id FROM toji_event), revoker_id = creator_id
  WHERE active AND enabled;
INSERT INTO host_config (host_id, arches, capacity, description, comment, enabled, create_event, creator_id, active)
  SELECT host_id, arches, capacity, description, comment, false, (SELECT id FROM toji_event), creator_id, true
  FROM toji_hosts;
UPDATE host SET ready = false, task_load = 0 WHERE ready OR task_load <> 0;

-- Tasks that are FREE, OPEN or ASSIGNED would be run a second time: CANCELED.
UPDATE task SET state = 3, completion_time = now() WHERE state IN (0, 1, 4);

-- Builds at work have lost their task: CANCELED, as the hub does when a task is cancelled. Their names can be built again.
UPDATE build SET state = 4, completion_time = now() WHERE state = 0;

-- Buildroots in use are on builders that do not exist here: EXPIRED.
UPDATE standard_buildroot SET state = 3, retire_event = coalesce(retire_event, (SELECT id FROM toji_event))
  WHERE state IN (0, 1, 2);

-- Repos are not part of what must be restored, and builds must not use a stale one: DELETED, which is final. EXPIRED would
-- have the copy's kojira delete directories, which may be the source's if the tree is shared.
UPDATE repo SET state = 3 WHERE state IN (0, 1, 2);

-- Mails of the copy's builds and tags would reach the source's users.
DELETE FROM build_notifications;

-- What not every hub has: younger than its schema, or a plugin's.
DO $$
DECLARE name text;
BEGIN
  -- Since 1.35: requests for repos of the source.
  IF to_regclass('repo_queue') IS NOT NULL THEN
    UPDATE repo_queue SET active = false WHERE active;
  END IF;
  -- scheduler_*: what the scheduler remembers of hosts and tasks that are no more. proton_queue: messages not sent yet.
  -- build_reservations: promises to content generators that talk to the source.
  FOREACH name IN ARRAY ARRAY['scheduler_task_runs', 'scheduler_task_refusals', 'scheduler_log_messages',
    'scheduler_host_data', 'scheduler_sys_data', 'proton_queue', 'build_reservations'] LOOP
    IF to_regclass(name) IS NOT NULL THEN
      EXECUTE format('DELETE FROM %I', name);
    END IF;
  END LOOP;
END $$;

COMMIT;
