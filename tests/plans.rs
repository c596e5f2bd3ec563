//! How PostgreSQL plans statements whose price depends on an index.

use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::harness::TestApp;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    text: String,
}

fn plan(conn: &mut PgConnection, statement: &str) -> String {
    let lines: Vec<Line> = diesel::sql_query(format!("EXPLAIN {statement}")).load(conn).unwrap();
    lines.into_iter().map(|line| line.text + "\n").collect()
}

fn execute(conn: &mut PgConnection, statement: &str) {
    diesel::sql_query(statement).execute(conn).unwrap();
}

/// Whatever else is there, and whatever the planner thinks of it.
#[test]
fn no_index_of_parts_is_in_reach_of_an_equality() {
    let app = TestApp::start();
    let mut conn = app.as_superuser();
    let indexes: Vec<(String, String, String)> = diesel::dsl::sql::<(Text, Text, Text)>(
        "SELECT x.indexrelid::regclass::text, x.indrelid::regclass::text, a.attname::text \
         FROM pg_index x CROSS JOIN unnest(x.indclass, x.indkey) AS part (class, column_number) \
         JOIN pg_opclass o ON o.oid = part.class AND o.opcname = 'gin_trgm_ops' \
         JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = part.column_number \
         WHERE a.attname <> 'search'",
    )
    .load(&mut conn)
    .unwrap();
    assert!(indexes.len() >= 2, "{indexes:?}");
    for (index, table, column) in indexes {
        conn.test_transaction::<_, diesel::result::Error, _>(|conn| {
            execute(conn, "SET LOCAL enable_seqscan = off");
            execute(conn, "SET LOCAL enable_indexscan = off");
            execute(conn, "SET LOCAL enable_indexonlyscan = off");
            execute(
                conn,
                &format!(
                    "UPDATE pg_index SET indisvalid = false WHERE indrelid = '{table}'::regclass \
                     AND indexrelid <> '{index}'::regclass"
                ),
            );
            let rows = format!("SELECT merchant_id FROM {table} WHERE merchant_id = 1");
            for equality in ["= 'A'", "= ANY ('{A,B}')", "IN (SELECT unnest('{A,B}'::text[]))"] {
                let plan = plan(conn, &format!("{rows} AND {column} {equality}"));
                let compares = plan.lines().filter(|line| line.contains("Index Cond"));
                assert!(!compares.clone().any(|line| line.contains(&column)), "{plan}");
            }
            let part = format!("{rows} AND {column} COLLATE \"POSIX\" LIKE '%SAVE%'");
            assert!(plan(conn, &part).contains(&index), "{}", plan(conn, &part));
            Ok(())
        });
    }
}
