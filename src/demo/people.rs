//! Who lives in the demo marketplace.

use uuid::Uuid;

use super::{DAY_MS, DEMO_END_MS, Source};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Customer,
    Driver,
    Merchant,
    Support,
    Moderator,
    Admin,
}

impl Role {
    /// As the contract's `UserRole` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Customer => "CUSTOMER",
            Self::Driver => "DRIVER",
            Self::Merchant => "MERCHANT",
            Self::Support => "SUPPORT",
            Self::Moderator => "MODERATOR",
            Self::Admin => "ADMIN",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Person {
    pub id: Uuid,
    pub email: String,
    pub passphrase: String,
    pub display_name: String,
    pub given: String,
    pub family: String,
    /// Everybody is a customer; this is what they are besides.
    pub role: Role,
    pub locale: &'static str,
    pub time_zone: &'static str,
    pub joined_ms: i64,
    pub home: Home,
}

/// A deliverable postal address.
#[derive(Clone, Debug)]
pub struct Home {
    pub line: String,
    pub locality: &'static str,
    pub administrative_area: Option<&'static str>,
    pub postal_code: &'static str,
    pub country: &'static str,
}

const STAFF: [Role; 11] = [
    Role::Admin,
    Role::Support,
    Role::Moderator,
    Role::Merchant,
    Role::Merchant,
    Role::Merchant,
    Role::Driver,
    Role::Driver,
    Role::Driver,
    Role::Driver,
    Role::Driver,
];
const CUSTOMERS: usize = 53;

const GIVEN: [&str; 64] = [
    "Ada",
    "Jonas",
    "Mei",
    "Oluwaseun",
    "Ingrid",
    "Rafael",
    "Priya",
    "Tomasz",
    "Leila",
    "Hugo",
    "Sora",
    "Amara",
    "Felix",
    "Noor",
    "Mateo",
    "Greta",
    "Kwame",
    "Yuki",
    "Clara",
    "Dmitri",
    "Fatima",
    "Liam",
    "Anneke",
    "Jamal",
    "Sofia",
    "Henrik",
    "Thandi",
    "Marco",
    "Elif",
    "Arjun",
    "Camille",
    "Ruben",
    "Hana",
    "Ibrahim",
    "Maja",
    "Caleb",
    "Zofia",
    "Diego",
    "Aoife",
    "Viktor",
    "Naomi",
    "Emre",
    "Lucia",
    "Bastian",
    "Chiara",
    "Samir",
    "Freya",
    "Andrei",
    "Wanjiru",
    "Paul",
    "Ines",
    "Tariq",
    "Solveig",
    "Nikhil",
    "Beatriz",
    "Owen",
    "Mina",
    "Lars",
    "Esther",
    "Kenji",
    "Alma",
    "Stefan",
    "Rosa",
    "Idris",
];
const FAMILY: [&str; 64] = [
    "Okafor",
    "Lindqvist",
    "Tanaka",
    "Moreau",
    "Schneider",
    "Alvarez",
    "Nair",
    "Kowalski",
    "Haddad",
    "Bergmann",
    "Kim",
    "Mensah",
    "Vogel",
    "Rahman",
    "Ferreira",
    "Holm",
    "Asante",
    "Sato",
    "Dubois",
    "Petrov",
    "Yilmaz",
    "Byrne",
    "de Vries",
    "Carter",
    "Rossi",
    "Nilsen",
    "Dlamini",
    "Bianchi",
    "Demir",
    "Patel",
    "Laurent",
    "Costa",
    "Novak",
    "Diallo",
    "Jansen",
    "Brooks",
    "Wojcik",
    "Romero",
    "Gallagher",
    "Weber",
    "Cohen",
    "Aydin",
    "Marino",
    "Keller",
    "Greco",
    "Khalil",
    "Madsen",
    "Ionescu",
    "Kamau",
    "Fischer",
    "Silva",
    "Aziz",
    "Haugen",
    "Menon",
    "Almeida",
    "Hughes",
    "Park",
    "Eriksson",
    "Osei",
    "Mori",
    "Lund",
    "Braun",
    "Vidal",
    "Bello",
];
const WORDS: [&str; 48] = [
    "amber", "anchor", "basalt", "bramble", "canyon", "cedar", "cobalt", "copper", "cricket",
    "dahlia", "ember", "fathom", "ferry", "garnet", "ginger", "glacier", "harbor", "hazel",
    "indigo", "juniper", "kestrel", "lagoon", "lantern", "lichen", "maple", "marble", "meadow",
    "nectar", "nimbus", "oyster", "pebble", "pepper", "plover", "quartz", "raven", "saffron",
    "sable", "sorrel", "tundra", "thistle", "umber", "velvet", "walnut", "willow", "yarrow",
    "zephyr", "zinnia", "topaz",
];
const STREETS: [&str; 12] = [
    "Orchard Street",
    "Mill Lane",
    "Harbour Road",
    "Station Road",
    "Linden Avenue",
    "Castle Street",
    "Park Row",
    "Rosewood Drive",
    "Bridge Street",
    "Chapel Hill",
    "Garden Terrace",
    "Old Market Square",
];

type Town =
    (&'static str, Option<&'static str>, &'static str, &'static str, &'static str, &'static str);

/// Locality, administrative area, postal code, country, locale, time zone.
const TOWNS: [Town; 12] = [
    ("Portland", Some("OR"), "97205", "US", "en", "America/Los_Angeles"),
    ("Austin", Some("TX"), "78701", "US", "en", "America/Chicago"),
    ("Brooklyn", Some("NY"), "11201", "US", "en", "America/New_York"),
    ("Berlin", None, "10115", "DE", "de", "Europe/Berlin"),
    ("Hamburg", None, "20095", "DE", "de", "Europe/Berlin"),
    ("München", None, "80331", "DE", "de", "Europe/Berlin"),
    ("Lyon", None, "69002", "FR", "fr", "Europe/Paris"),
    ("Nantes", None, "44000", "FR", "fr", "Europe/Paris"),
    ("London", None, "SW1A 1AA", "GB", "en", "Europe/London"),
    ("Leeds", None, "LS1 4DY", "GB", "en", "Europe/London"),
    ("Amsterdam", None, "1012 JS", "NL", "en", "Europe/Amsterdam"),
    ("Zürich", None, "8001", "CH", "de", "Europe/Zurich"),
];

/// Staff first, then customers; joined between two years and a month before the demo's end.
pub(super) fn generate(source: &mut Source) -> Vec<Person> {
    STAFF
        .into_iter()
        .chain(std::iter::repeat_n(Role::Customer, CUSTOMERS))
        .enumerate()
        .map(|(number, role)| person(source, number, role))
        .collect()
}

fn person(source: &mut Source, number: usize, role: Role) -> Person {
    let given = GIVEN[number % GIVEN.len()];
    let family = FAMILY[(number * 23 + 5) % FAMILY.len()];
    let (locality, administrative_area, postal_code, country, locale, time_zone) =
        *source.pick(&TOWNS);
    let joined_ms = DEMO_END_MS - source.between(500, 730) * DAY_MS + source.between(0, DAY_MS - 1);
    let words: Vec<&str> = (0..4).map(|_| *source.pick(&WORDS)).collect();
    let initial = family.chars().next().expect("no empty names");
    Person {
        id: source.id(joined_ms),
        email: format!("{}.{}@demo.concord.example", ascii(given), ascii(family)),
        passphrase: words.join("-"),
        display_name: format!("{given} {initial}."),
        given: given.to_owned(),
        family: family.to_owned(),
        role,
        locale,
        time_zone,
        joined_ms,
        home: Home {
            line: format!("{} {}", source.between(1, 180), source.pick(&STREETS)),
            locality,
            administrative_area,
            postal_code,
            country,
        },
    }
}

fn ascii(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_differ() {
        let people = super::super::Dataset::generate().people;
        let emails: std::collections::HashSet<_> =
            people.iter().map(|person| &person.email).collect();
        assert_eq!(emails.len(), people.len());
        assert!(people.iter().all(|person| person.passphrase.chars().count() >= 15));
        assert_eq!(STAFF.len() + CUSTOMERS, people.len());
    }
}
