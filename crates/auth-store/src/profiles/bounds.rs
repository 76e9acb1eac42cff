//! What is refused before the YAML parser sees it: its work grows with the square of the nesting.

/// How deep a file of profiles may nest.
pub(super) const DEEPEST: usize = 32;
/// How many lists and mappings in brackets a file may open. Whatever stands in quotes and comments, no file that keeps to
/// this costs the parser much.
const BRACKETS: usize = 4096;
/// How many lines may begin with `%`: each directive is compared with all before it.
const DIRECTIVES: usize = 32;

/// Checks how a text nests, in one pass.
///
/// Quotes and comments are told apart as far as one line shows.
///
/// # Errors
///
/// Names the first line that is beyond a bound.
pub(super) fn check(text: &str) -> Result<(), String> {
    let mut scan = Scan::default();
    for (number, line) in (1_usize..).zip(text.lines()) {
        // To the parser these end a line too.
        for part in line.split(['\r', '\u{85}', '\u{2028}', '\u{2029}']) {
            scan.line(part).map_err(|why| format!("line {number} {why}"))?;
        }
    }
    Ok(())
}

fn opens(character: char) -> bool {
    matches!(character, '[' | '{')
}

#[derive(Default)]
struct Scan {
    /// The columns at which the blocks around a line begin.
    blocks: Vec<usize>,
    /// How many brackets are open.
    open: usize,
    /// The quote that a text is in.
    quote: Option<char>,
    brackets: usize,
    directives: usize,
}

impl Scan {
    fn line(&mut self, line: &str) -> Result<(), String> {
        self.directives += usize::from(line.starts_with('%'));
        self.brackets += line.chars().filter(|&character| opens(character)).count();
        let start = self.indent(line);
        let mut before = ' ';
        let mut characters = start.chars();
        while let Some(character) = characters.next() {
            match (self.quote, character) {
                (Some('"'), '\\') => drop(characters.next()),
                (Some(quote), _) if quote == character => self.quote = None,
                (None, '#') if before.is_whitespace() => break,
                (None, '"' | '\'') if !before.is_alphanumeric() => self.quote = Some(character),
                (None, _) if opens(character) => {
                    self.open += 1;
                    self.check_depth()?;
                }
                (None, ']' | '}') => self.open = self.open.saturating_sub(1),
                _ => {}
            }
            before = character;
        }
        self.check_depth()?;
        if self.brackets > BRACKETS {
            return Err(format!("opens more than {BRACKETS} brackets in all"));
        }
        if self.directives > DIRECTIVES {
            return Err(format!("is one of more than {DIRECTIVES} directives"));
        }
        Ok(())
    }

    /// Notes which blocks a line is in, and returns what follows its indentation and the marks of lists.
    fn indent<'a>(&mut self, line: &'a str) -> &'a str {
        let mut rest = line.trim_start_matches([' ', '\t']);
        if self.quote.is_some() || self.open > 0 || rest.is_empty() || rest.starts_with('#') {
            return rest;
        }
        let mut column = line.len() - rest.len();
        self.blocks.retain(|&block| block < column);
        self.blocks.push(column);
        while let Some(after) =
            rest.strip_prefix(['-', '?', ':']).filter(|after| after.starts_with([' ', '\t']))
        {
            let next = after.trim_start_matches([' ', '\t']);
            column += rest.len() - next.len();
            self.blocks.push(column);
            rest = next;
        }
        rest
    }

    fn check_depth(&self) -> Result<(), String> {
        if self.blocks.len() + self.open > DEEPEST {
            return Err(format!("is nested more than {DEEPEST} levels deep"));
        }
        Ok(())
    }
}
