/** The words of the seeded shop. */

/** The categories: name, description, and the noun for one of its products. */
export const CATEGORIES: readonly (readonly [name: string, description: string, noun: string])[] = [
  ["Headphones", "Over-ear, on-ear and in-ear", "Headphones"],
  ["Speakers", "For the shelf and for the road", "Speaker"],
  ["Turntables", "Belt and direct drive, with and without a preamp", "Turntable"],
  ["Microphones", "For voices, instruments and rooms", "Microphone"],
  ["Cameras", "Mirrorless, compact and instant", "Camera"],
  ["Lenses", "Primes and zooms", "Lens"],
  ["Tripods", "Travel, studio and table", "Tripod"],
  ["Monitors", "Displays for work and play", "Monitor"],
  ["Keyboards", "Mechanical and quiet", "Keyboard"],
  ["Mice", "Wired, wireless and vertical", "Mouse"],
  ["Storage", "Drives, inside and outside", "Drive"],
  ["Networking", "Routers, switches and mesh", "Router"],
  ["Chargers", "For one device or six", "Charger"],
  ["Desks", "Fixed and height-adjustable", "Desk"],
  ["Office Chairs", "For eight hours and more", "Chair"],
  ["Lamps", "Desk, floor and reading", "Lamp"],
  ["Shelving", "Wall and free-standing", "Shelf"],
  ["Bedding", "Linen, cotton and down", "Duvet"],
  ["Towels", "Bath, hand and beach", "Towel"],
  ["Rugs", "Woven, knotted and braided", "Rug"],
  ["Cookware", "Pans and pots for every hob", "Pan"],
  ["Knives", "Forged and stamped", "Knife"],
  ["Coffee", "Makers, grinders and kettles", "Grinder"],
  ["Tea", "Pots, strainers and tins", "Teapot"],
  ["Tableware", "Plates, bowls and cups", "Bowl"],
  ["Glassware", "For water, wine and everything else", "Glass"],
  ["Bakeware", "Tins, sheets and rings", "Tin"],
  ["Garden Tools", "Digging, pruning and raking", "Secateurs"],
  ["Planters", "Indoor and outdoor", "Planter"],
  ["Barbecues", "Charcoal, gas and pellet", "Grill"],
  ["Tents", "One to eight people", "Tent"],
  ["Sleeping Bags", "Summer to deep winter", "Sleeping Bag"],
  ["Backpacks", "Day packs to expedition packs", "Backpack"],
  ["Bicycles", "City, gravel and road", "Bicycle"],
  ["Helmets", "For wheels, snow and rock", "Helmet"],
  ["Running Shoes", "Road and trail", "Shoes"],
  ["Yoga", "Mats, blocks and straps", "Mat"],
  ["Watches", "Quartz and automatic", "Watch"],
  ["Board Games", "For two, four and a full table", "Game"],
  ["Notebooks", "Lined, dotted and plain", "Notebook"],
];

// 50 makers times 40 qualifiers give each of the 2,000 products a unique name.
const MAKERS =
  `Alder Arclight Ashford Aurora Basalt Birchwood Blackfjord Brightwater Calder Cedarline
   Cinder Cobalt Copperhill Corvid Dunmore Eastlake Elmstone Emberly Fernway Fjordline
   Foxglove Glasshouse Granite Halden Harborview Hawthorn Heron Ironbark Juniper Kestrel
   Larkspur Lindqvist Lumen Marlow Meridian Mossback Nordvik Northgate Oakhurst Orrin
   Pinecrest Quarry Redfern Saltmarsh Silverton Slate Tidewater Umber Westbrook Wrenfield`.split(
    /\s+/,
  );
const QUALIFIERS = `Classic Compact Everyday Essential Signature Studio Travel Heritage Original Pro
   Lite Plus Mini Max Duo Trio Solo Neo Alpine Coastal
   Urban Field Weekend Workshop Evening Morning Winter Summer Slim Wide
   Deep Quiet Swift Sturdy Folding Modular Reclaimed Handmade Limited Anniversary`.split(/\s+/);

/** The first parts of the products' names, without the category's noun. */
export const LINES: readonly string[] = MAKERS.flatMap((maker) =>
  QUALIFIERS.map((qualifier) => `${maker} ${qualifier}`),
);

export const DESCRIPTIONS: readonly string[] = [
  "Made in small batches and checked by hand.",
  "Built to be repaired: every part can be ordered.",
  "Our most asked-for model, unchanged for ten years.",
  "Lighter than the one it replaces, and as strong.",
  "Ships flat, and stands in ten minutes without tools.",
  "Recycled materials wherever they do the job.",
  "Tested for a year by people who use it every day.",
  "Comes with a ten-year guarantee.",
  "The finish grows better with use.",
  "Small enough for a shelf, good enough for a studio.",
  "Designed in Trondheim, made in Porto.",
  "Naïve at first sight, thought through to the last screw.",
];

export const CITIES: readonly string[] = [
  "Amsterdam",
  "Athens",
  "Auckland",
  "Bangkok",
  "Barcelona",
  "Berlin",
  "Bogotá",
  "Buenos Aires",
  "Cairo",
  "Cape Town",
  "Chicago",
  "Copenhagen",
  "Dakar",
  "Dublin",
  "Hanoi",
  "Helsinki",
  "İstanbul",
  "Jakarta",
  "Kraków",
  "Lagos",
  "Lima",
  "Lisbon",
  "London",
  "Madrid",
  "Malmö",
  "Melbourne",
  "Mexico City",
  "Montréal",
  "Mumbai",
  "München",
  "Nairobi",
  "New York",
  "Osaka",
  "Paris",
  "Reykjavík",
  "Rome",
  "San Francisco",
  "São Paulo",
  "Seoul",
  "Singapore",
  "Stockholm",
  "Sydney",
  "Taipei",
  "Tallinn",
  "Tbilisi",
  "Tokyo",
  "Toronto",
  "Vienna",
  "Warsaw",
  "Zürich",
];
