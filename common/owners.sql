-- Who may do what: the object, the role, and its privileges. Administrators, that is superusers and
-- roles with CREATEROLE, may do anything and are left out, as is what belongs to extensions.
WITH ours AS (
    SELECT * FROM pg_roles WHERE rolname = ANY (%(roles)s)
), schemas AS (
    SELECT * FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
), extended AS (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
), acls (object, owner, note, acl) AS (
    SELECT 'schema ' || quote_ident(nspname), nspowner, '', coalesce(nspacl, acldefault('n', nspowner))
    FROM schemas
    UNION ALL
    SELECT format(
        '%%s %%I.%%I',
        CASE relkind
            WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'view' ELSE 'table'
        END,
        nspname, relname
    ), relowner, '', coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))
    FROM pg_class JOIN schemas ON schemas.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    AND ('pg_class'::regclass::oid, pg_class.oid) NOT IN (TABLE extended)
    UNION ALL
    SELECT format('column %%I.%%I.%%I', nspname, relname, attname), NULL, '', attacl
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    JOIN schemas ON schemas.oid = relnamespace WHERE attacl IS NOT NULL
    AND ('pg_class'::regclass::oid, pg_class.oid) NOT IN (TABLE extended)
    UNION ALL
    SELECT format('function %%I.%%I(%%s)', nspname, proname, pg_get_function_identity_arguments(pg_proc.oid)),
    proowner, CASE WHEN prosecdef THEN ', SECURITY DEFINER' ELSE '' END,
    coalesce(proacl, acldefault('f', proowner))
    FROM pg_proc JOIN schemas ON schemas.oid = pronamespace
    WHERE ('pg_proc'::regclass::oid, pg_proc.oid) NOT IN (TABLE extended)
    UNION ALL
    SELECT 'this database', CASE WHEN datdba IN (SELECT oid FROM ours) THEN datdba END, '', datacl
    FROM pg_database WHERE datname = current_database()
    UNION ALL
    SELECT concat_ws(
        ' ', 'new',
        CASE defaclobjtype
            WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'
            WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE 'large objects'
        END,
        'in ' || quote_ident(nspname), 'of ' || pg_get_userbyid(defaclrole)
    ), defaclrole, '', defaclacl
    FROM pg_default_acl LEFT JOIN schemas ON schemas.oid = defaclnamespace
), lines (object, role, may) AS (
    SELECT object, pg_get_userbyid(owner), 'owner' || note FROM acls
    WHERE owner IS NOT NULL AND object NOT LIKE 'new %%'
    UNION ALL
    SELECT object, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END,
    string_agg(
        privilege_type || CASE WHEN is_grantable THEN ' (may grant it)' ELSE '' END,
        ', ' ORDER BY privilege_type
    )
    FROM acls, aclexplode(acl)
    WHERE grantee IS DISTINCT FROM owner
    AND grantee NOT IN (SELECT oid FROM pg_roles WHERE rolsuper OR rolcreaterole)
    GROUP BY object, grantee
    UNION ALL
    SELECT 'database ' || quote_ident(datname), rolname, 'CONNECT' FROM pg_database, ours
    WHERE datname IN ('postgres', 'template1') AND has_database_privilege(ours.oid, pg_database.oid, 'CONNECT')
    UNION ALL
    SELECT 'server', rolname, concat_ws(
        ', ', CASE WHEN rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END,
        CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolcreaterole THEN 'CREATEROLE' END,
        CASE WHEN rolcreatedb THEN 'CREATEDB' END, CASE WHEN rolreplication THEN 'REPLICATION' END,
        CASE WHEN rolbypassrls THEN 'BYPASSRLS' END
    ) FROM ours
    UNION ALL
    SELECT 'role ' || quote_ident(granted.rolname), member.rolname, concat_ws(
        ', ', 'member', CASE WHEN bool_or(inherit_option) THEN 'INHERIT' END,
        CASE WHEN bool_or(set_option) THEN 'SET ROLE' END,
        CASE WHEN bool_or(admin_option) THEN 'ADMIN' END
    )
    FROM pg_auth_members m
    JOIN pg_roles granted ON granted.oid = roleid JOIN pg_roles member ON member.oid = m.member
    WHERE (roleid IN (SELECT oid FROM ours) OR m.member IN (SELECT oid FROM ours))
    AND (NOT (member.rolsuper OR member.rolcreaterole) OR m.member IN (SELECT oid FROM ours))
    GROUP BY granted.rolname, member.rolname
)
SELECT object, role, may FROM lines ORDER BY object COLLATE "C", role COLLATE "C", may COLLATE "C"
