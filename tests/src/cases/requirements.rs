//! What has to be shown, by id, and by what it is.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::matrix::Matrix;

/// The requirements there are, and the tests that name them.
#[derive(Debug, Default)]
pub struct Requirements {
    /// What is required, by id, in the file's order by letter and number.
    asked: BTreeMap<(char, u32), String>,
    /// How many tests have the id in their name.
    tests: BTreeMap<(char, u32), usize>,
}

/// A requirement that no case shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gap {
    /// Its id.
    pub id: String,
    /// What is required.
    pub what: String,
    /// How many tests of crates name it.
    pub tests: usize,
}

fn id(text: &str) -> Option<(char, u32)> {
    let mut letters = text.chars();
    let letter = letters.next()?.to_ascii_uppercase();
    let digits = letters.as_str();
    let plain = !digits.is_empty() && digits.len() <= 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
    (letter.is_ascii_uppercase() && plain).then(|| digits.parse().ok().map(|number| (letter, number)))?
}

impl Requirements {
    /// Reads the requirements from a file, and the names of tests from the sources below a folder.
    pub fn read(file: &Path, sources: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let listed: BTreeMap<String, String> =
            serde_yaml::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        let mut asked = BTreeMap::new();
        for (name, what) in listed {
            let id = id(&name).ok_or_else(|| format!("{}: {name:?} is not an id", file.display()))?;
            asked.insert(id, what);
        }
        let mut found = Self { asked, tests: BTreeMap::new() };
        for folder in ["crates", "tests", "xtask"] {
            found.scan(&sources.join(folder)).map_err(|error| error.to_string())?;
        }
        Ok(found)
    }

    fn scan(&mut self, folder: &Path) -> std::io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                self.scan(&path)?;
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                self.count(&fs::read_to_string(&path)?);
            }
        }
        Ok(())
    }

    fn count(&mut self, source: &str) {
        for line in source.lines() {
            let Some(name) = line.trim_start().strip_prefix("fn ").and_then(|rest| rest.split('(').next())
            else {
                continue;
            };
            let named =
                name.split('_').filter_map(id).filter(|id| self.asked.contains_key(id)).collect::<Vec<_>>();
            for id in named {
                *self.tests.entry(id).or_default() += 1;
            }
        }
    }

    /// The tags of cases that name no requirement.
    pub fn unknown<'a>(&self, matrix: &'a Matrix) -> Vec<(&'a str, &'a str)> {
        let tags =
            matrix.rows.iter().flat_map(|row| row.tags.iter().map(|tag| (row.name.as_str(), tag.as_str())));
        tags.filter(|(_, tag)| id(tag).is_none_or(|id| !self.asked.contains_key(&id))).collect()
    }

    /// What no case shows.
    pub fn gaps(&self, matrix: &Matrix) -> Vec<Gap> {
        let shown: Vec<_> = matrix.rows.iter().flat_map(|row| &row.tags).filter_map(|tag| id(tag)).collect();
        let missing = self.asked.iter().filter(|(id, _)| !shown.contains(id));
        missing
            .map(|(id, what)| Gap {
                id: format!("{}{}", id.0, id.1),
                what: what.clone(),
                tests: self.tests.get(id).copied().unwrap_or(0),
            })
            .collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.asked.len()
    }

    /// True if nothing is required.
    pub fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }
}

impl Gap {
    /// For machines.
    pub fn json(&self) -> Value {
        json!({ "id": self.id, "what": self.what, "tests": self.tests })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_name_requirements_at_the_end_of_their_names() {
        let asked = [("F1", "x"), ("F10", "y")].map(|(name, what)| (id(name).unwrap(), what.to_owned()));
        let mut found = Requirements { asked: asked.into(), tests: BTreeMap::new() };
        found.count(
            "    fn files_are_private_f1() {\nfn other_f10_f1() {}\n// fn not_f1()\nfn plain_h9() {}\n",
        );
        let gaps: Vec<_> =
            found.gaps(&Matrix::default()).into_iter().map(|gap| (gap.id, gap.tests)).collect();
        assert_eq!(gaps, [("F1".to_owned(), 2), ("F10".to_owned(), 1)]);
        assert_eq!(
            [id("f1"), id("F"), id("FF"), id("f100"), id("")],
            [Some(('F', 1)), None, None, None, None]
        );
    }
}
