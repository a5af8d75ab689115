-- Every file and directory that the tree must hold, one a line: path, kind, size, checksum type, checksum (tab, COPY text).
-- Read only. Paths are relative to the top and follow koji.PathInfo; kinds: build, link, rpm, signature, archive.
-- COPY and not SELECT, because psql would hold the whole answer of millions of rows in memory.
COPY (
  WITH complete AS (
    SELECT b.id,
      b.volume_id <> 0 AS elsewhere,
      'packages/' || p.name || '/' || b.version || '/' || b.release AS usual,
      CASE b.volume_id WHEN 0 THEN '' ELSE 'vol/' || v.name || '/' END
        || 'packages/' || p.name || '/' || b.version || '/' || b.release AS place
    FROM build b
    JOIN package p ON p.id = b.pkg_id
    JOIN volume v ON v.id = b.volume_id
    WHERE b.state = 1 -- COMPLETE; deleted builds keep their rows and have no files
  ), rpm AS (
    SELECT r.id, c.place, r.size, r.payloadhash,
      r.arch || '/' || r.name || '-' || r.version || '-' || r.release || '.' || r.arch || '.rpm' AS file
    FROM rpminfo r
    JOIN complete c ON c.id = r.build_id
    WHERE r.external_repo_id = 0 AND NOT r.metadata_only
  )
  SELECT place, 'build', NULL::bigint, NULL::text, NULL::text FROM complete
  UNION ALL
  -- A build on another volume has a symlink at the usual place; the last column is what it points to.
  SELECT usual, 'link', NULL, NULL, place FROM complete WHERE elsewhere
  UNION ALL
  SELECT place || '/' || file, 'rpm', size, 'payload', payloadhash FROM rpm
  UNION ALL
  -- The key of an unsigned rpm is empty: its header lies one directory higher.
  SELECT rpm.place || '/data/sigcache/' || CASE s.sigkey WHEN '' THEN '' ELSE s.sigkey || '/' END || rpm.file || '.sig',
    'signature', NULL, 'md5', s.sighash
  FROM rpmsigs s
  JOIN rpm ON rpm.id = s.rpm_id
  UNION ALL
  SELECT c.place || '/' || CASE coalesce(t.name, CASE WHEN m.archive_id IS NOT NULL THEN 'maven'
                                                      WHEN w.archive_id IS NOT NULL THEN 'win' ELSE 'image' END)
      WHEN 'maven' THEN 'maven/' || replace(m.group_id, '.', '/') || '/' || m.artifact_id || '/' || m.version || '/'
      WHEN 'win' THEN 'win/' || CASE w.relpath WHEN '' THEN '' ELSE w.relpath || '/' END
      WHEN 'image' THEN 'images/'
      ELSE 'files/' || t.name || '/'
    END || a.filename,
    'archive', a.size, CASE a.checksum_type WHEN 0 THEN 'md5' WHEN 1 THEN 'sha1' WHEN 2 THEN 'sha256' END, a.checksum
  FROM archiveinfo a
  JOIN complete c ON c.id = a.build_id
  LEFT JOIN btype t ON t.id = a.btype_id -- empty in rows from before Koji 1.11
  LEFT JOIN maven_archives m ON m.archive_id = a.id
  LEFT JOIN win_archives w ON w.archive_id = a.id
  WHERE NOT a.metadata_only
) TO STDOUT WITH (FORMAT text, NULL '');
