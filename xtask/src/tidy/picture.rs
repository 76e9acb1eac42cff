//! Which crate of ours may depend on which. This table is the picture; tidy fails when the manifests differ from it.
//!
//! ```text
//!                 authctl (the command)
//!                       |
//!                 auth-native (facade)
//!    +---------+--------+--------------+------------------+
//! auth-store auth-http auth-prompt-cli auth-prompt-egui auth-prompt-browser
//!    +---------+--------+------+-------+------------------+
//!                          auth-core
//! auth-sandbox -> auth-core; authctl -> auth-sandbox; xtask -> nothing; conformance -> everything
//! canary -> nothing; the tests of every crate but xtask -> canary
//! ```

use crate::workspace::Member;

/// What a member may depend on, in any kind of dependency.
enum May {
    Only(&'static [&'static str]),
    Everything,
}

const CORE: May = May::Only(&["auth-core"]);

const PICTURE: &[(&str, May)] = &[
    ("auth-core", May::Only(&[])),
    // The middle crates never see each other: only the facade joins them.
    ("auth-store", CORE),
    ("auth-http", CORE),
    ("auth-prompt-cli", CORE),
    ("auth-prompt-egui", CORE),
    ("auth-prompt-browser", CORE),
    ("auth-sandbox", CORE),
    (
        "auth-native",
        May::Only(&[
            "auth-core",
            "auth-store",
            "auth-http",
            "auth-prompt-cli",
            "auth-prompt-egui",
            "auth-prompt-browser",
        ]),
    ),
    // The facade re-exports what the command needs of the others.
    ("authctl", May::Only(&["auth-native", "auth-sandbox"])),
    ("xtask", May::Only(&[])),
    (CANARY, May::Only(&[])),
    ("conformance", May::Everything),
];

/// Made-up secrets, which the tests of every crate may plant.
const CANARY: &str = "canary";
/// The one that builds while nothing else of ours does.
const ALONE: &str = "xtask";

/// Every dependency between members that the picture does not show, and every member that it does not know.
pub(super) fn compare(members: &[Member]) -> Vec<String> {
    let mut problems = Vec::new();
    for member in members {
        let name = member.name.as_str();
        let Some((_, may)) = PICTURE.iter().find(|(known, _)| *known == name) else {
            problems
                .push(format!("layers: {name} is not in the picture: add it to xtask/src/tidy/picture.rs"));
            continue;
        };
        for dependency in &member.dependencies {
            let other = dependency.name.as_str();
            let ours = members.iter().any(|m| m.name == other);
            let planting = other == CANARY && dependency.kind == "dev" && name != ALONE;
            let allowed = match may {
                May::Only(names) => names.contains(&other) || planting,
                May::Everything => true,
            };
            if ours && !allowed {
                let kind = &dependency.kind;
                problems.push(format!("layers: {name} must not depend on {other} ({kind} dependency)"));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    fn member(name: &str, dependencies: &[(&str, &str)]) -> Member {
        let dependency =
            |(name, kind): &(&str, &str)| Dependency { name: (*name).to_owned(), kind: (*kind).to_owned() };
        Member {
            name: name.to_owned(),
            dependencies: dependencies.iter().map(dependency).collect(),
            ..Member::default()
        }
    }

    #[test]
    fn the_picture_itself_passes() {
        let members = [
            member("auth-core", &[("serde_json", "normal")]),
            member("auth-store", &[("auth-core", "normal"), ("tempfile", "dev")]),
            member("auth-native", &[("auth-core", "normal"), ("auth-store", "normal")]),
            member("auth-sandbox", &[("auth-core", "normal")]),
            member("authctl", &[("auth-native", "normal"), ("auth-sandbox", "normal")]),
            member("conformance", &[("authctl", "dev"), ("auth-core", "normal")]),
            member("xtask", &[("serde_json", "normal")]),
        ];
        assert_eq!(compare(&members), Vec::<String>::new());
    }

    #[test]
    fn an_edge_outside_the_picture_is_named_whatever_its_kind() {
        for kind in ["normal", "dev", "build"] {
            let members = [
                member("auth-core", &[]),
                member("auth-http", &[]),
                member("auth-store", &[("auth-http", kind)]),
            ];
            let problems = compare(&members);
            assert_eq!(problems.len(), 1);
            assert!(
                problems
                    .iter()
                    .all(|p| p.contains("auth-store must not depend on auth-http") && p.contains(kind))
            );
        }
    }

    #[test]
    fn the_core_and_xtask_depend_on_nothing_of_ours() {
        let members = [
            member("auth-core", &[("auth-sandbox", "dev")]),
            member("auth-sandbox", &[]),
            member("xtask", &[("auth-core", "normal")]),
        ];
        assert_eq!(compare(&members).len(), 2);
    }

    #[test]
    fn the_command_reaches_the_middle_only_through_the_facade() {
        let members = [member("auth-store", &[]), member("authctl", &[("auth-store", "dev")])];
        assert_eq!(compare(&members).len(), 1);
    }

    #[test]
    fn tests_may_plant_secrets_and_programs_may_not() {
        let canary = member("canary", &[]);
        let planting = |name, kind| compare(&[canary.clone(), member(name, &[("canary", kind)])]).len();
        assert_eq!(planting("auth-core", "dev"), 0);
        for (name, kind) in [("auth-core", "normal"), ("auth-core", "build"), ("xtask", "dev")] {
            assert_eq!(planting(name, kind), 1, "{name} {kind}");
        }
    }

    #[test]
    fn an_unknown_member_is_a_failure() {
        let problems = compare(&[member("auth-extra", &[])]);
        assert!(problems.iter().all(|p| p.contains("auth-extra is not in the picture")));
        assert_eq!(problems.len(), 1);
    }
}
