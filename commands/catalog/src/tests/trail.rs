//! The audit log, asked in a few words.

use super::world::World;
use bellhop_core::CommandError;

#[test]
fn audit_reads_its_question() {
    let world = World::new();
    let rows = |line: &str| world.run(line).lines().filter(|line| line.contains("console:main/general")).count();
    assert_eq!(rows("audit"), 3);
    assert_eq!(rows("audit report.pdf"), 2);
    assert_eq!(rows("audit who touched report.pdf since 24h"), 1);
    assert_eq!(rows("audit since 2d"), 2);
    assert_eq!(rows("audit since today"), 1);
    assert_eq!(rows("audit ann since 2026-11-01"), 2);
    assert!(world.run("audit nothing").contains("Nothing is logged about “nothing”."));
    assert!(matches!(world.error("audit x since"), CommandError::Invalid { argument: "about", .. }));
    assert!(matches!(world.error("audit since monday"), CommandError::Invalid { argument: "about", .. }));
    assert_eq!(rows("audit --limit 1"), 1);
}
