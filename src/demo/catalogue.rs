//! What the demo marketplace sells: twelve shelves of ten products.

use uuid::Uuid;

use super::people::{Person, Role};
use super::{DAY_MS, DEMO_END_MS, Source};

#[derive(Clone, Debug)]
pub struct Product {
    pub id: Uuid,
    pub sku: String,
    pub title: String,
    pub description: String,
    pub price_minor: i64,
    pub currency: &'static str,
    pub seller: Uuid,
    /// What is on hand after all demo orders have been delivered.
    pub on_hand: i64,
    pub listed_ms: i64,
    pub shelf: Shelf,
}

/// A category, with the words that reviews of it use.
#[derive(Clone, Copy, Debug)]
pub struct Shelf {
    pub code: &'static str,
    pub praise: &'static str,
    pub complaint: &'static str,
}

type ShelfOfTen = (Shelf, [(&'static str, i64); 10]);

const SHELVES: [ShelfOfTen; 12] = [
    (
        Shelf {
            code: "KIT",
            praise: "It heats evenly and cleans up in a minute.",
            complaint: "The handle gets hot.",
        },
        [
            ("Cast Iron Skillet 26 cm", 3490),
            ("Enamel Dutch Oven 5 l", 8900),
            ("Carbon Steel Wok", 4250),
            ("Pour-Over Kettle 1 l", 5400),
            ("Burr Coffee Grinder", 11900),
            ("Santoku Knife 18 cm", 6400),
            ("End-Grain Cutting Board", 7200),
            ("Copper Saucepan 16 cm", 9800),
            ("Stoneware Mixing Bowls, Set of 3", 4600),
            ("French Press 8 Cups", 2990),
        ],
    ),
    (
        Shelf {
            code: "AUD",
            praise: "Clear mids and a calm, wide stage.",
            complaint: "The cable is far too short.",
        },
        [
            ("Open-Back Headphones", 15900),
            ("Bookshelf Speakers, Pair", 24900),
            ("Portable Bluetooth Speaker", 7900),
            ("Belt-Drive Turntable", 29900),
            ("USB Condenser Microphone", 9900),
            ("In-Ear Monitors", 5900),
            ("Desktop Headphone Amplifier", 12900),
            ("Internet Radio with Alarm", 11900),
            ("Soundbar Compact", 17900),
            ("Noise-Cancelling Earbuds", 13900),
        ],
    ),
    (
        Shelf {
            code: "OUT",
            praise: "Kept us dry through two days of rain.",
            complaint: "Heavier than stated.",
        },
        [
            ("Two-Person Trekking Tent", 23900),
            ("Down Sleeping Bag -5 °C", 19900),
            ("Inflatable Sleeping Mat", 6900),
            ("Ultralight Backpack 45 l", 15900),
            ("Trekking Poles, Pair", 7900),
            ("Headlamp 400 lm", 3900),
            ("Titanium Camping Mug", 2490),
            ("Gas Stove Micro", 4490),
            ("Rain Jacket 3-Layer", 18900),
            ("Dry Bag 20 l", 1990),
        ],
    ),
    (
        Shelf {
            code: "BIK",
            praise: "Fitted in ten minutes and runs silently.",
            complaint: "Instructions are missing.",
        },
        [
            ("LED Bike Light Set", 4900),
            ("Folding Lock 90 cm", 6900),
            ("Pannier Bags, Pair", 11900),
            ("Floor Pump with Gauge", 3900),
            ("City Helmet M/L", 7900),
            ("Multitool 18 Functions", 2990),
            ("Leather Saddle Touring", 10900),
            ("Tubeless Tyre 700x35", 4490),
            ("Phone Mount Aluminium", 3490),
            ("Waxed Chain 11-Speed", 5490),
        ],
    ),
    (
        Shelf {
            code: "HOM",
            praise: "Looks even better than in the pictures.",
            complaint: "The colour is off.",
        },
        [
            ("Linen Duvet Cover 200x200", 12900),
            ("Wool Throw Herringbone", 8900),
            ("Oak Side Table", 14900),
            ("Arc Floor Lamp", 16900),
            ("Ceramic Table Lamp", 6900),
            ("Jute Rug 140x200", 9900),
            ("Picture Frame Set of 5", 3900),
            ("Wall Clock Walnut", 5900),
            ("Scented Candle Cedar", 1990),
            ("Storage Baskets, Set of 2", 3490),
        ],
    ),
    (
        Shelf {
            code: "GAR",
            praise: "Sharp out of the box, my roses agree.",
            complaint: "Rust spots after one season.",
        },
        [
            ("Bypass Secateurs", 3990),
            ("Telescopic Hedge Shears", 5490),
            ("Self-Watering Planter", 2990),
            ("Compost Bin 300 l", 7900),
            ("Garden Hose 25 m", 3490),
            ("Hand Trowel Forged", 1890),
            ("Raised Bed Larch", 10900),
            ("Soil Moisture Meter", 1490),
            ("Rain Barrel 200 l", 8900),
            ("Bird Feeder Oak", 2490),
        ],
    ),
    (
        Shelf {
            code: "OFF",
            praise: "My back has stopped complaining.",
            complaint: "Wobbles at full height.",
        },
        [
            ("Sit-Stand Desk Frame", 34900),
            ("Ergonomic Office Chair", 28900),
            ("Monitor Arm Single", 7900),
            ("Mechanical Keyboard TKL", 11900),
            ("Vertical Mouse", 4900),
            ("Desk Mat Felt", 2490),
            ("Notebook Dot Grid A5", 1690),
            ("Fountain Pen Steel Nib", 3900),
            ("Laptop Stand Folding", 3490),
            ("Desk Lamp with Dimmer", 6900),
        ],
    ),
    (
        Shelf {
            code: "TOY",
            praise: "Kept two children busy for a whole afternoon.",
            complaint: "One piece was missing.",
        },
        [
            ("Wooden Train Set 60 Pieces", 4990),
            ("Marble Run XL", 6490),
            ("Building Bricks 500", 3990),
            ("Cooperative Board Game", 2990),
            ("Puzzle 1000 Pieces Harbour", 1690),
            ("Kite Delta 160", 2490),
            ("Magnetic Tiles 48", 4490),
            ("Balance Bike 12 Inch", 8900),
            ("Microscope for Beginners", 5900),
            ("Card Game Fast Foxes", 1290),
        ],
    ),
    (
        Shelf {
            code: "FIT",
            praise: "Solid, quiet, and folds away under the bed.",
            complaint: "The coating smells.",
        },
        [
            ("Yoga Mat Natural Rubber", 5900),
            ("Kettlebell 16 kg", 4490),
            ("Adjustable Dumbbells, Pair", 19900),
            ("Resistance Bands, Set of 5", 1990),
            ("Foam Roller 45 cm", 2490),
            ("Doorway Pull-Up Bar", 3490),
            ("Skipping Rope Bearing", 1490),
            ("Rowing Machine Water", 49900),
            ("Running Belt", 1890),
            ("Massage Ball Duo", 1290),
        ],
    ),
    (
        Shelf {
            code: "BAG",
            praise: "Survived a year of daily commuting.",
            complaint: "The zip sticks.",
        },
        [
            ("Canvas Weekender", 9900),
            ("Leather Messenger Bag", 17900),
            ("Laptop Sleeve 14 Inch", 3490),
            ("Cabin Trolley 38 l", 14900),
            ("Toiletry Bag Waxed", 3990),
            ("Packing Cubes, Set of 4", 2990),
            ("Belt Bag 2 l", 2990),
            ("Day Pack 18 l", 6900),
            ("Card Holder Slim", 2490),
            ("Tote Bag Organic Cotton", 1490),
        ],
    ),
    (
        Shelf {
            code: "TEC",
            praise: "Set up in five minutes and just works.",
            complaint: "The app asks for too much.",
        },
        [
            ("USB-C Dock 11-in-1", 8900),
            ("Power Bank 20000 mAh", 4490),
            ("GaN Charger 100 W", 5490),
            ("E-Ink Reader 7 Inch", 16900),
            ("Smart Plug, Pack of 4", 3990),
            ("Mesh Router, Pair", 18900),
            ("External SSD 1 TB", 9900),
            ("Webcam 1440p", 7900),
            ("Weather Station Indoor", 6900),
            ("Air Quality Monitor", 12900),
        ],
    ),
    (
        Shelf {
            code: "BOO",
            praise: "I read it in two evenings.",
            complaint: "The binding came loose.",
        },
        [
            ("The Lighthouse Ledger", 1890),
            ("A Field Guide to Urban Birds", 2490),
            ("Bread: One Hundred Loaves", 2990),
            ("Maps That Never Were", 3490),
            ("The Quiet Compiler", 2790),
            ("Seven Bridges, One River", 1690),
            ("Gardens of the North", 3290),
            ("A Short History of Salt", 1990),
            ("Letters from the Night Train", 1590),
            ("Everyday Statistics", 2290),
        ],
    ),
];

/// 120 products, listed between sixteen and fourteen months before the demo's end.
pub(super) fn generate(source: &mut Source, people: &[Person]) -> Vec<Product> {
    let merchants: Vec<Uuid> = people
        .iter()
        .filter(|person| person.role == Role::Merchant)
        .map(|person| person.id)
        .collect();
    let mut products = Vec::with_capacity(120);
    for (shelf_number, (shelf, items)) in SHELVES.into_iter().enumerate() {
        for (number, (title, price_minor)) in items.into_iter().enumerate() {
            let listed_ms =
                DEMO_END_MS - source.between(430, 490) * DAY_MS + source.between(0, DAY_MS - 1);
            products.push(Product {
                id: source.id(listed_ms),
                sku: format!("{}-{:03}", shelf.code, number + 1),
                title: title.to_owned(),
                description: format!("{title}. {}", shelf.praise),
                price_minor,
                // One merchant in three sells in dollars.
                currency: if shelf_number % merchants.len() == 2 { "USD" } else { "EUR" },
                seller: merchants[shelf_number % merchants.len()],
                on_hand: if source.chance(6) { 0 } else { source.between(5, 250) },
                listed_ms,
                shelf,
            });
        }
    }
    products
}
