//! Instants and lengths of time, as arguments: nothing here reads a clock.

use core::fmt;
use core::time::Duration;

/// A moment on a clock that only goes forward and counts the time a machine sleeps, in milliseconds from an origin
/// of the driver's choice. For waits and deadlines.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Tick(pub u64);

impl Tick {
    /// The moment `later` after this one, or the last there is.
    #[must_use]
    pub fn after(self, later: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(later.as_millis()).unwrap_or(u64::MAX)))
    }

    /// How long until `later`; zero if it has passed.
    pub fn until(self, later: Self) -> Duration {
        Duration::from_millis(later.0.saturating_sub(self.0))
    }
}

/// A moment of civil time: seconds since 1970-01-01T00:00:00Z. For expiry times, which outlive a process.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The moment `life` after this one, or the last there is.
    #[must_use]
    pub fn after(self, life: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(life.as_secs()).unwrap_or(i64::MAX)))
    }

    /// How long until `later`; zero if it has passed.
    pub fn until(self, later: Self) -> Duration {
        Duration::from_secs(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0))
    }

    /// Reads `2026-11-23T08:00:00`, with or without a fraction, ending in `Z`, `+00:00`-like offset or nothing.
    /// Without an offset it is UTC: that is what Tiled means by a naive time (spec: Tiled, section 2).
    ///
    /// ```
    /// use auth_core::time::Timestamp;
    /// assert_eq!(Timestamp::parse("1970-01-02T00:00:00"), Some(Timestamp(86_400)));
    /// assert_eq!(Timestamp::parse("1970-01-01T01:00:00.250+01:00"), Some(Timestamp(0)));
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let (date, rest) = text.split_at_checked(10)?;
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let rest = rest.strip_prefix(['T', 't', ' '])?;
        let (clock, rest) = rest.split_at_checked(8)?;
        let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
        let rest = match rest.strip_prefix('.') {
            None => rest,
            Some(fraction) => {
                let after = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
                if after.len() == fraction.len() {
                    return None;
                }
                after
            }
        };
        let offset = match rest {
            "" | "Z" | "z" => 0,
            _ => {
                let (sign, zone) = rest.split_at_checked(1)?;
                let [hours, minutes] = numbers(zone, ':', [2, 2])?;
                let seconds = hours * 3_600 + minutes * 60;
                match sign {
                    "+" if hours < 24 && minutes < 60 => seconds,
                    "-" if hours < 24 && minutes < 60 => -seconds,
                    _ => return None,
                }
            }
        };
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let length = match month {
            2 => 28 + i64::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        let in_range = (1..=length).contains(&day) && hour < 24 && minute < 60 && second <= 60;
        in_range.then(|| Self(days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset))
    }
}

impl Timestamp {
    /// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, as servers write their time (RFC 9110 section 5.6.7). The older ways of
    /// writing it, which no server of today uses, are not read.
    ///
    /// ```
    /// use auth_core::time::Timestamp;
    /// assert_eq!(Timestamp::parse_http("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Timestamp(784_111_777)));
    /// ```
    pub fn parse_http(text: &str) -> Option<Self> {
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let (_, rest) = text.split_once(", ")?;
        let mut words = rest.split(' ');
        let (day, month, year) = (words.next()?, words.next()?, words.next()?);
        let (clock, zone) = (words.next()?, words.next()?);
        let month = MONTHS.iter().position(|name| *name == month)? + 1;
        let is_whole = zone == "GMT" && words.next().is_none();
        Self::parse(&format!("{year}-{month:02}-{day}T{clock}Z")).filter(|_| is_whole)
    }
}

/// Writes `2026-11-23T08:00:00Z` (RFC 3339).
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (day, second) = (self.0.div_euclid(86_400), self.0.rem_euclid(86_400));
        let (year, month, date) = civil(day);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

fn numbers<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut out = [0; N];
    for (slot, width) in out.iter_mut().zip(widths) {
        let part = parts.next()?;
        if part.len() != width || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *slot = part.parse().ok()?;
    }
    parts.next().is_none().then_some(out)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, counting years from March so that the leap day is last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day.saturating_add(719_468);
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day_of_year - (153 * from_march + 2) / 5 + 1)
}

/// Both clocks at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Now {
    /// For waits and deadlines.
    pub tick: Tick,
    /// For what a token's expiry is compared with.
    pub wall: Timestamp,
}

/// The longest life that is believed of a token, whatever a server says.
pub const LONGEST_LIFE: Duration = Duration::from_hours(366 * 24);

/// Reads a length of time as Tiled's users write it: a whole number and one of `s`, `m`, `h`, `d`, `y` (365 days), or
/// a whole number of seconds (spec: Tiled, section 11; unlike the Python client, nothing may follow the unit).
///
/// ```
/// use auth_core::time::parse_span;
/// use core::time::Duration;
/// assert_eq!(parse_span("10m"), Ok(Duration::from_secs(600)));
/// assert!(parse_span("7dx").is_err());
/// ```
pub fn parse_span(text: &str) -> Result<Duration, SpanError> {
    let (digits, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
        None => (text, 1),
        Some(at) => {
            let (digits, unit) = text.split_at(at);
            let unit = match unit {
                "s" => 1,
                "m" => 60,
                "h" => 3_600,
                "d" => 86_400,
                "y" => 31_536_000,
                _ => return Err(SpanError),
            };
            (digits, unit)
        }
    };
    let count: u64 = digits.parse().map_err(|_| SpanError)?;
    count.checked_mul(unit).map(Duration::from_secs).ok_or(SpanError)
}

/// What [`parse_span`] could not read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
#[error("not a length of time: write a number and a unit, like 90s, 10m, 6h, 7d or 1y")]
pub struct SpanError;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_of_tiled_are_read_with_and_without_an_offset() {
        let cases = [
            ("1970-01-01T00:00:00", Some(0)),
            ("2026-11-23T03:26:22", Some(1_795_404_382)),
            ("2026-11-23T03:26:22Z", Some(1_795_404_382)),
            ("2026-11-23 03:26:22+00:00", Some(1_795_404_382)),
            ("2026-11-23T05:26:22.123456+02:00", Some(1_795_404_382)),
            ("2024-02-29T00:00:00", Some(1_709_164_800)),
            ("0001-01-01T00:00:00Z", Some(-62_135_596_800)),
            ("2023-02-29T00:00:00", None),
            ("2026-13-01T00:00:00", None),
            ("2026-11-23T24:00:00", None),
            ("2026-11-23T03:26:22.", None),
            ("2026-11-23T03:26:22+2:00", None),
            ("2026-11-23T03:26:22+99:00", None),
            ("2026-11-23", None),
            ("é026-11-23T03:26:22", None),
            ("", None),
        ];
        for (text, seconds) in cases {
            assert_eq!(Timestamp::parse(text), seconds.map(Timestamp), "{text}");
        }
    }

    #[test]
    fn spans_have_one_number_and_one_unit() {
        let cases = [
            ("0", Some(0)),
            ("90", Some(90)),
            ("90s", Some(90)),
            ("10m", Some(600)),
            ("6h", Some(21_600)),
            ("7d", Some(604_800)),
            ("1y", Some(31_536_000)),
            ("", None),
            ("m", None),
            ("7dx", None),
            ("1H", None),
            (" 1h", None),
            ("1 h", None),
            ("2w", None),
            ("-1h", None),
            ("1.5h", None),
            ("99999999999999999999", None),
            ("18446744073709551615y", None),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse_span(text).ok(), seconds.map(Duration::from_secs), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_written_time_is_read_back(seconds in -62_135_596_800_i64..253_402_300_800) {
            let time = Timestamp(seconds);
            prop_assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
        }

        #[test]
        fn no_text_stops_a_parser_p9(text in any::<String>()) {
            let _ = Timestamp::parse(&text);
            let _ = parse_span(&text);
        }

        #[test]
        fn no_moment_stops_the_arithmetic(a in any::<i64>(), b in any::<i64>(), life in any::<u64>()) {
            let _ = Timestamp(a).after(Duration::from_secs(life)).until(Timestamp(b));
            let _ = Timestamp(a).to_string();
            let _ = Tick(a.unsigned_abs()).after(Duration::from_secs(life));
        }
    }
}
