//! The tables of words: every word the reader knows without a model. All are folded: lower case, no accents.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::grain::Grain;
use crate::mark::{ChartHint, Mark, Op, Rank};

/// Words that carry no condition: leaving them out does not change what is asked.
#[rustfmt::skip]
const FILLER: &[&str] = &[
    // articles, pronouns, politeness
    "a", "an", "the", "please", "pls", "thanks", "thank", "you", "hi", "hello", "hey", "ok", "okay", "yes",
    "yeah", "yep", "sure", "nope", "well", "so", "i", "me", "we", "us", "our", "my", "your", "it", "its",
    "they", "them", "their", "this", "these", "those", "that", "there", "here", "just", "now", "then", "again",
    "kindly", "right", "actually",
    // asking
    "what", "whats", "hows", "tell", "show", "give", "get", "list", "display", "see", "find", "want", "need",
    "like", "know", "let", "lets", "can", "could", "would", "will", "shall", "should", "might", "do", "does",
    "did", "have", "has", "had", "having", "be", "been", "being", "calculate", "compute", "report", "query",
    "fetch", "pull", "present", "look", "how", "id", "ill", "im", "wondering", "interested", "about", "figure",
    "figures", "numbers", "data", "result", "results", "breakdown", "overview", "summary", "view", "up", "out",
    "as", "to", "into", "across", "within", "during", "was", "were", "is", "are", "according", "respect",
    "regarding", "concerning", "much", "some", "any", "very", "really", "exactly", "roughly", "overall",
    "altogether", "total", "sum", "who", "where", "when", "come", "comes", "came", "coming", "happen",
    "happened", "occurred", "use", "using", "s", "both", "still", "currently", "level", "levels",
    "measured", "recorded", "registered", "counted", "seen", "placed", "via", "through", "one", "ones", "value",
    "values", "performance", "performed", "split", "sorted", "grouped", "broken", "break", "down", "go", "back", "try",
    "looking", "respectively",
    // bringing about: the metric says what
    "sell", "sold", "sells", "selling", "performing", "bring", "brings", "brought", "make", "makes", "made", "generate", "generates",
    "generated", "produce", "produced", "produces", "earn", "earned", "earns", "receive", "received",
    "receives", "saw", "gained", "took", "take", "takes", "got", "gets", "collected", "contributed",
    "contribute", "contributes", "attracted", "attract", "attracts", "drive", "drives", "drove", "deliver",
    "delivers", "achieve", "achieved", "carry", "carried", "handle", "handled", "went", "go", "place",
];

/// Nouns that may follow the name of a dimension and add nothing: "landing pages" for a dimension `landing`.
#[rustfmt::skip]
pub(crate) const GENERIC_NOUNS: &[&str] = &[
    "name", "names", "type", "types", "kind", "kinds", "group", "groups", "class", "classes", "code", "codes",
    "label", "labels", "page", "pages", "area", "areas", "tier", "tiers", "method", "methods", "option",
    "options", "category", "categories", "bucket", "buckets", "band", "bands", "level", "levels", "title",
    "titles", "status", "value", "values", "flag",
];

/// Correctly spelt words of business talk: never taken for a typo of another word.
#[rustfmt::skip]
const REAL_WORDS: &[&str] = &[
    "account", "active", "actual", "address", "agent", "amount", "annual", "asset", "balance", "basket",
    "bonus", "booking", "bounce", "brand", "budget", "building", "campaign", "capacity", "capital", "carrier",
    "cash", "category", "cause", "change", "channel", "charge", "churn", "city", "claim", "class", "click",
    "client", "clinic", "colour", "color", "commission", "company", "complaint", "contact", "contract",
    "conversion", "correlation", "cost", "costs", "country", "county", "coupon", "course", "credit", "crew",
    "currency", "customer", "damage", "debt", "deal", "defect", "delay", "delivery", "demand", "density",
    "deposit", "diet", "distance", "district", "doctor", "driver", "duration", "earnings", "email", "employee",
    "engine", "equity", "error", "event", "expense", "expenses", "failure", "fault", "fee", "fees", "flight",
    "forecast", "fraud", "fuel", "fund", "gender", "goal", "grade", "gross", "guest", "height", "hire",
    "hospital", "hotel", "house", "income", "industry", "inflation", "interest", "inventory", "invoice", "item",
    "journey", "language", "latency", "lead", "leads", "lease", "length", "lesson", "license", "loan",
    "location", "loss", "losses", "loyalty", "machine", "manager", "manufacturer", "margin", "market",
    "material", "member", "message", "model", "money", "mood", "nurse", "occupation", "offer", "office",
    "operator", "order", "output", "owner", "partner", "party", "patient", "payment", "penalty", "pension",
    "person", "phone", "plan", "plane", "plant", "plate", "player", "point", "points", "policy", "population",
    "port", "position", "postcode", "prediction", "premium", "price", "prices", "prize", "probability",
    "producer", "product", "profit", "profits", "project", "provider", "province", "purchase", "quality",
    "quantity", "race", "range", "rank", "rate", "rating", "reason", "rebate", "refund", "region", "religion",
    "rent", "repair", "reply", "reseller", "retention", "retailer", "return", "returns", "review", "reward",
    "risk", "role", "room", "route", "salary", "sales", "satisfaction", "score", "season", "seat", "seller",
    "senior", "service", "session", "share", "shift", "ship", "shipment", "shop", "sign", "site", "size",
    "skill", "source", "speed", "spend", "staff", "stage", "stake", "star", "state", "station", "status",
    "stock", "stop", "storage", "store", "stores", "story", "street", "style", "subject", "supplier", "support",
    "survey", "target", "task", "tax", "team", "tenant", "tenure", "term", "territory", "test", "theft",
    "ticket", "time", "topic", "town", "traffic", "train", "trainer", "transfer", "treatment", "trial", "trip",
    "truck", "turnover", "type", "unit", "units", "user", "users", "utilization", "vendor", "vehicle",
    "version", "visit", "visitor", "volume", "wage", "warehouse", "waste", "water", "weather", "weight", "wind",
    "worker", "yield", "zone", "weekend", "weekends", "holiday", "holidays", "height", "weather", "temperature",
    "astrological", "why", "because", "predict", "compare", "explain", "median", "average", "mean", "variance",
    "deviation", "range", "rank", "ratio", "trend", "next", "future", "upcoming", "hours", "minutes", "seconds",
    "fiscal", "either", "neither", "nor", "every", "ever", "never", "always",
];

/// Verbs that ask to change something. As the first word of a question they are refused.
#[rustfmt::skip]
pub(crate) const CHANGE_VERBS: &[&str] = &[
    "delete", "drop", "truncate", "insert", "update", "alter", "create", "remove", "erase", "wipe", "purge",
    "destroy", "write", "overwrite", "modify", "edit", "rename", "grant", "revoke", "merge", "replace",
    "upload", "import", "send", "email", "change", "set", "cancel", "refund", "kill", "execute", "exec",
];

/// Plurals that follow no rule.
#[rustfmt::skip]
pub(crate) const IRREGULAR: &[(&str, &str)] = &[
    ("people", "person"), ("persons", "person"), ("children", "child"), ("men", "man"), ("women", "woman"),
    ("indices", "index"), ("matrices", "matrix"), ("criteria", "criterion"), ("ids", "id"), ("leaves", "leaf"),
    ("staves", "staff"), ("shelves", "shelf"), ("halves", "half"), ("lives", "life"), ("wives", "wife"),
];

/// Small words a name may carry inside ("region of the customer") that do not change which thing is named.
pub(crate) const JOINERS: &[&str] = &["of", "the", "a", "an", "our"];

/// Words that may stand inside a label of the model and be left out by a person.
pub(crate) const LABEL_JOINERS: &[&str] =
    &["of", "the", "a", "an", "in", "on", "at", "for", "from", "to", "with"];

/// Names of counts that people leave out or add: "number of orders" is "orders".
pub(crate) const COUNT_STEMS: &[&str] = &["count", "total", "distinct"];

/// One word for each aggregation, so that "mean" finds a label with "Average".
pub(crate) fn aggregation(norm: &str) -> Option<&'static str> {
    Some(match norm {
        "average" | "averages" | "avg" | "mean" | "typical" => "average",
        "max" | "maximum" | "maximal" | "largest" | "biggest" | "highest" | "greatest" => "max",
        "min" | "minimum" | "minimal" | "smallest" | "lowest" => "min",
        "median" | "med" => "median",
        "total" | "totals" | "sum" => "total",
        "distinct" | "unique" | "different" => "distinct",
        "number" | "count" | "counts" | "num" | "nr" | "cnt" => "count",
        "percentage" | "percent" | "pct" => "percent",
        _ => return None,
    })
}

/// Superlatives that rank when a thing to rank is named, and else ask for an aggregation.
pub(crate) fn superlative(norm: &str) -> Option<Rank> {
    Some(match norm {
        "largest" | "biggest" | "highest" | "greatest" => Rank::Best,
        "smallest" | "lowest" => Rank::Worst,
        _ => return None,
    })
}

/// Phrases with a role in the grammar, longest first by construction of the reader.
#[rustfmt::skip]
pub(crate) const MARKS: &[(&str, Mark)] = &[
    ("by", Mark::By), ("per", Mark::Per), ("for each", Mark::Per), ("for every", Mark::Per), ("each", Mark::Per),
    ("every", Mark::Per), ("in each", Mark::Per), ("of each", Mark::Per), ("in every", Mark::Per), ("within each", Mark::Per),
    ("grouped by", Mark::By), ("in terms of", Mark::By), ("based on", Mark::By), ("according to", Mark::By), ("measured by", Mark::By), ("group by", Mark::By), ("broken down by", Mark::By), ("break down by", Mark::By),
    ("broken out by", Mark::By), ("split by", Mark::AndBy), ("breakdown by", Mark::By), ("sliced by", Mark::By),
    ("split it by", Mark::AndBy), ("break it down by", Mark::AndBy), ("split this by", Mark::AndBy),
    ("and by", Mark::AndBy), ("also by", Mark::AndBy), ("and per", Mark::AndBy), ("and also by", Mark::AndBy),
    ("add a split by", Mark::AndBy), ("plus by", Mark::AndBy), ("and then by", Mark::AndBy),
    ("and for each", Mark::AndBy), ("further by", Mark::AndBy), ("additionally by", Mark::AndBy),
    ("and", Mark::And), ("as well as", Mark::And), ("along with", Mark::And), ("together with", Mark::And),
    ("or", Mark::Or), ("not", Mark::Not), ("not in", Mark::Not), ("not from", Mark::Not),
    ("excluding", Mark::Not), ("exclude", Mark::Not), ("except", Mark::Not), ("except for", Mark::Not),
    ("without", Mark::Not), ("but not", Mark::Not), ("other than", Mark::Not), ("apart from", Mark::Not),
    ("aside from", Mark::Not), ("leaving out", Mark::Not), ("leave out", Mark::Not), ("ignoring", Mark::Not),
    ("ignore", Mark::Not), ("omitting", Mark::Not), ("omit", Mark::Not), ("non", Mark::Non),
    ("isnt", Mark::Not), ("is not", Mark::Not), ("are not", Mark::Not), ("were not", Mark::Not),
    ("was not", Mark::Not), ("arent", Mark::Not), ("that are not", Mark::Not), ("besides", Mark::Not),
    ("minus", Mark::Not), ("with no", Mark::Not), ("without any", Mark::Not), ("that is not", Mark::Not),
    ("excl", Mark::Not), ("werent", Mark::Not), ("wasnt", Mark::Not), ("!=", Mark::Not), ("<>", Mark::Not),
    ("not equal to", Mark::Not), ("only", Mark::Only), ("just", Mark::Only), ("solely", Mark::Only),
    ("restrict to", Mark::Only), ("restricted to", Mark::Only), ("limited to", Mark::Only),
    ("filter", Mark::Only), ("the filter", Mark::Filters), ("filters", Mark::Filters), ("all filters", Mark::Filters), ("the filters", Mark::Filters), ("filter by", Mark::Only), ("filter to", Mark::Only), ("filter on", Mark::Only),
    ("filtered by", Mark::Only), ("filtered to", Mark::Only), ("only for", Mark::Only), ("only in", Mark::Only),
    ("narrow to", Mark::Only), ("narrow down to", Mark::Only), ("with", Mark::With), ("where", Mark::With),
    ("whose", Mark::With), ("which have", Mark::With), ("which had", Mark::With), ("that have", Mark::With),
    ("that had", Mark::With), ("who have", Mark::With), ("who had", Mark::With), ("having", Mark::With),
    ("that are", Mark::With), ("who are", Mark::With), ("which are", Mark::With), ("that were", Mark::With),
    ("which were", Mark::With), ("that", Mark::With), ("who", Mark::With), ("in", Mark::In), ("for", Mark::In),
    ("from", Mark::In), ("of", Mark::In), ("on", Mark::In), ("at", Mark::In), ("among", Mark::In),
    ("within", Mark::In), ("inside", Mark::In), ("is", Mark::Is), ("are", Mark::Is), ("was", Mark::Is),
    ("were", Mark::Is), ("equals", Mark::Is), ("equal to", Mark::Is), ("is equal to", Mark::Is),
    ("=", Mark::Is), ("==", Mark::Is), ("is in", Mark::Is), ("is either", Mark::Is), (">", Mark::Op(Op::Above)),
    ("more than", Mark::Op(Op::Above)), ("over", Mark::Op(Op::Above)), ("above", Mark::Op(Op::Above)),
    ("greater than", Mark::Op(Op::Above)), ("higher than", Mark::Op(Op::Above)),
    ("larger than", Mark::Op(Op::Above)), ("exceeding", Mark::Op(Op::Above)), ("exceeds", Mark::Op(Op::Above)),
    ("exceed", Mark::Op(Op::Above)), ("exceeded", Mark::Op(Op::Above)), ("bigger than", Mark::Op(Op::Above)),
    (">=", Mark::Op(Op::AtLeast)), ("at least", Mark::Op(Op::AtLeast)), ("no less than", Mark::Op(Op::AtLeast)),
    ("no fewer than", Mark::Op(Op::AtLeast)), ("not less than", Mark::Op(Op::AtLeast)),
    ("minimum of", Mark::Op(Op::AtLeast)), ("greater than or equal to", Mark::Op(Op::AtLeast)),
    ("not under", Mark::Op(Op::AtLeast)), ("not below", Mark::Op(Op::AtLeast)), ("<", Mark::Op(Op::Below)),
    ("less than", Mark::Op(Op::Below)), ("fewer than", Mark::Op(Op::Below)), ("under", Mark::Op(Op::Below)),
    ("below", Mark::Op(Op::Below)), ("lower than", Mark::Op(Op::Below)), ("smaller than", Mark::Op(Op::Below)),
    ("<=", Mark::Op(Op::AtMost)), ("at most", Mark::Op(Op::AtMost)), ("no more than", Mark::Op(Op::AtMost)),
    ("not more than", Mark::Op(Op::AtMost)), ("up to", Mark::Op(Op::AtMost)),
    ("not over", Mark::Op(Op::AtMost)), ("less than or equal to", Mark::Op(Op::AtMost)),
    ("exactly", Mark::Op(Op::Equal)), ("maximum of", Mark::Op(Op::AtMost)), ("not above", Mark::Op(Op::AtMost)),
    ("between", Mark::Between), ("or more", Mark::Beyond(Op::AtLeast)), ("or above", Mark::Beyond(Op::AtLeast)), ("or higher", Mark::Beyond(Op::AtLeast)), ("or less", Mark::Beyond(Op::AtMost)), ("or fewer", Mark::Beyond(Op::AtMost)), ("or below", Mark::Beyond(Op::AtMost)), ("or lower", Mark::Beyond(Op::AtMost)), ("and above", Mark::Beyond(Op::AtLeast)), ("top", Mark::Top(Rank::Best)), ("best", Mark::Top(Rank::Best)),
    ("leading", Mark::Top(Rank::Best)), ("strongest", Mark::Top(Rank::Best)),
    ("busiest", Mark::Top(Rank::Best)), ("best performing", Mark::Top(Rank::Best)),
    ("best selling", Mark::Top(Rank::Best)), ("rank", Mark::Rank), ("ranked by", Mark::SortBy),
    ("ranking of", Mark::Rank), ("bottom", Mark::Top(Rank::Worst)), ("worst", Mark::Top(Rank::Worst)),
    ("weakest", Mark::Top(Rank::Worst)), ("worst performing", Mark::Top(Rank::Worst)),
    ("top performing", Mark::Top(Rank::Best)), ("top selling", Mark::Top(Rank::Best)),
    ("most", Mark::Most(Rank::Best)), ("the most", Mark::Most(Rank::Best)), ("fewest", Mark::Most(Rank::Worst)),
    ("least", Mark::Most(Rank::Worst)), ("which", Mark::Which), ("what", Mark::Which), ("neither", Mark::Not), ("nor", Mark::Or), ("is neither", Mark::Not), ("are neither", Mark::Not), ("what are the", Mark::Which),
    ("whats the", Mark::What), ("what is the", Mark::What), ("what was the", Mark::What),
    ("what were the", Mark::What), ("how many", Mark::HowMany), ("how much", Mark::Filler),
    ("number of", Mark::HowMany), ("count of", Mark::HowMany), ("total number of", Mark::HowMany),
    ("count", Mark::HowMany), ("the number of", Mark::HowMany), ("num", Mark::HowMany),
    ("amount of", Mark::Filler), ("total amount of", Mark::Filler), ("no of", Mark::HowMany),
    ("share of total", Mark::Share), ("percentage of total", Mark::Share), ("percent of total", Mark::Share),
    ("as share of total", Mark::Share), ("as a share of total", Mark::Share),
    ("as percentage of total", Mark::Share), ("as a percentage of total", Mark::Share),
    ("as percent of total", Mark::Share), ("as a share of the total", Mark::Share),
    ("as a percentage of the total", Mark::Share), ("share of the total", Mark::Share),
    ("as a share", Mark::Share), ("percentage of the total", Mark::Share), ("as a percentage", Mark::Share),
    ("as percentage", Mark::Share), ("as percentages", Mark::Share), ("as shares", Mark::Share),
    ("as share", Mark::Share), ("share of", Mark::Share), ("percentage of", Mark::Share),
    ("percent of", Mark::Share), ("proportion of", Mark::Share), ("fraction of", Mark::Share),
    ("share", Mark::Share), ("shares", Mark::Share), ("shares of", Mark::Share), ("in percent", Mark::Share),
    ("in percentages", Mark::Share), ("distribution of", Mark::Share), ("percentage share of", Mark::Share),
    ("what share of", Mark::Share), ("what percentage of", Mark::Share), ("what proportion of", Mark::Share),
    ("growth", Mark::Growth(None)), ("growth of", Mark::Growth(None)), ("growth rate", Mark::Growth(None)),
    ("growth in", Mark::Growth(None)), ("change in", Mark::Growth(None)),
    ("growth rate of", Mark::Growth(None)), ("grow", Mark::Growth(None)), ("grew", Mark::Growth(None)),
    ("grown", Mark::Growth(None)), ("growing", Mark::Growth(None)), ("growth by", Mark::GrowthBy),
    ("change by", Mark::GrowthBy), ("growth per", Mark::GrowthBy),
    ("day over day", Mark::Growth(Some(Grain::Day))), ("dod", Mark::Growth(Some(Grain::Day))),
    ("day on day", Mark::Growth(Some(Grain::Day))), ("week over week", Mark::Growth(Some(Grain::Week))),
    ("week on week", Mark::Growth(Some(Grain::Week))), ("wow", Mark::Growth(Some(Grain::Week))),
    ("month over month", Mark::Growth(Some(Grain::Month))),
    ("month on month", Mark::Growth(Some(Grain::Month))), ("mom", Mark::Growth(Some(Grain::Month))),
    ("m m", Mark::Growth(Some(Grain::Month))), ("quarter over quarter", Mark::Growth(Some(Grain::Quarter))),
    ("qoq", Mark::Growth(Some(Grain::Quarter))), ("quarter on quarter", Mark::Growth(Some(Grain::Quarter))),
    ("year over year", Mark::Growth(Some(Grain::Year))), ("year on year", Mark::Growth(Some(Grain::Year))),
    ("yoy", Mark::Growth(Some(Grain::Year))), ("y y", Mark::Growth(Some(Grain::Year))),
    ("versus", Mark::Versus), ("vs", Mark::Versus), ("compared with", Mark::Versus),
    ("compared to", Mark::Versus), ("compare with", Mark::Versus), ("compare to", Mark::Versus),
    ("compare it to", Mark::Versus), ("against", Mark::Versus), ("compare it with", Mark::Versus),
    ("compare that to", Mark::Versus), ("compare that with", Mark::Versus), ("relative to", Mark::Versus),
    ("in comparison to", Mark::Versus), ("in comparison with", Mark::Versus),
    ("compared against", Mark::Versus), ("than", Mark::Versus), ("compare", Mark::Compare),
    ("comparing", Mark::Compare), ("comparison of", Mark::Compare), ("compare this to", Mark::Versus),
    ("compare this with", Mark::Versus), ("instead", Mark::Instead), ("instead of", Mark::InsteadOf),
    ("rather than", Mark::InsteadOf), ("switch to", Mark::Instead), ("same", Mark::Same),
    ("the same", Mark::Same), ("same for", Mark::Same), ("same thing for", Mark::Same),
    ("same but", Mark::Same), ("same question", Mark::Same), ("same thing", Mark::Same),
    ("same again", Mark::Same), ("do the same", Mark::Same), ("same with", Mark::Same),
    ("same query", Mark::Same), ("same but for", Mark::Same), ("what about", Mark::Same),
    ("how about", Mark::Same), ("and for", Mark::Same), ("and in", Mark::Same), ("ditto for", Mark::Same),
    ("and what about", Mark::Same), ("and how about", Mark::Same), ("now for", Mark::Same),
    ("change to", Mark::Same), ("change it to", Mark::Same), ("change that to", Mark::Same),
    ("and from", Mark::Same), ("also", Mark::Also), ("too", Mark::Also), ("as well", Mark::Also), ("in total", Mark::Ungroup), ("the total", Mark::Ungroup), ("total only", Mark::Ungroup), ("just the total", Mark::Ungroup), ("only the total", Mark::Ungroup), ("ungrouped", Mark::Ungroup), ("ungroup", Mark::Ungroup), ("without the split", Mark::Ungroup), ("without groups", Mark::Ungroup), ("without grouping", Mark::Ungroup), ("no grouping", Mark::Ungroup), ("not grouped", Mark::Ungroup), ("add", Mark::Also), ("and also", Mark::Also),
    ("include", Mark::Also), ("including", Mark::Also), ("remove", Mark::Remove), ("drop", Mark::Remove),
    ("take out", Mark::Remove), ("take away", Mark::Remove), ("make it", Mark::MakeIt), ("without limit", Mark::Unlimited), ("without a limit", Mark::Unlimited), ("without the limit", Mark::Unlimited), ("no limit", Mark::Unlimited), ("remove the limit", Mark::Unlimited), ("drop the limit", Mark::Unlimited), ("remove limit", Mark::Unlimited),
    ("make that", Mark::MakeIt), ("limit", Mark::MakeIt), ("limit to", Mark::MakeIt),
    ("limit it to", Mark::MakeIt), ("show only", Mark::Only), ("show me only", Mark::Only),
    ("make this", Mark::MakeIt), ("sort by", Mark::SortBy), ("sorted by", Mark::SortBy),
    ("ordered by", Mark::SortBy), ("order by", Mark::SortBy), ("sort it by", Mark::SortBy),
    ("sort them by", Mark::SortBy), ("order it by", Mark::SortBy), ("sort", Mark::SortBy),
    ("ascending", Mark::Direction(false)), ("asc", Mark::Direction(false)),
    ("lowest first", Mark::Direction(false)), ("smallest first", Mark::Direction(false)),
    ("oldest first", Mark::Direction(false)), ("low to high", Mark::Direction(false)),
    ("in ascending order", Mark::Direction(false)), ("descending", Mark::Direction(true)),
    ("desc", Mark::Direction(true)), ("highest first", Mark::Direction(true)),
    ("largest first", Mark::Direction(true)), ("newest first", Mark::Direction(true)),
    ("biggest first", Mark::Direction(true)), ("high to low", Mark::Direction(true)),
    ("latest first", Mark::Direction(true)), ("in descending order", Mark::Direction(true)),
    ("earliest first", Mark::Direction(false)), ("as a chart", Mark::Chart(ChartHint::Any)),
    ("as chart", Mark::Chart(ChartHint::Any)), ("chart", Mark::Chart(ChartHint::Any)),
    ("chart of", Mark::Chart(ChartHint::Any)), ("a chart of", Mark::Chart(ChartHint::Any)),
    ("in a chart", Mark::Chart(ChartHint::Any)), ("graph", Mark::Chart(ChartHint::Any)),
    ("as a graph", Mark::Chart(ChartHint::Any)), ("plot", Mark::Chart(ChartHint::Any)),
    ("as a plot", Mark::Chart(ChartHint::Any)), ("visualise", Mark::Chart(ChartHint::Any)),
    ("graph of", Mark::Chart(ChartHint::Any)), ("visualize", Mark::Chart(ChartHint::Any)),
    ("draw", Mark::Chart(ChartHint::Any)), ("plot of", Mark::Chart(ChartHint::Any)),
    ("line chart", Mark::Chart(ChartHint::Line)), ("as a line chart", Mark::Chart(ChartHint::Line)),
    ("as line chart", Mark::Chart(ChartHint::Line)), ("line graph", Mark::Chart(ChartHint::Line)),
    ("as lines", Mark::Chart(ChartHint::Line)), ("as a line", Mark::Chart(ChartHint::Line)),
    ("as a line graph", Mark::Chart(ChartHint::Line)), ("bar chart", Mark::Chart(ChartHint::Bar)),
    ("as a bar chart", Mark::Chart(ChartHint::Bar)), ("as bar chart", Mark::Chart(ChartHint::Bar)),
    ("bar graph", Mark::Chart(ChartHint::Bar)), ("as bars", Mark::Chart(ChartHint::Bar)),
    ("as a bar graph", Mark::Chart(ChartHint::Bar)), ("as columns", Mark::Chart(ChartHint::Bar)),
    ("histogram", Mark::Chart(ChartHint::Bar)), ("as a table", Mark::Chart(ChartHint::Table)),
    ("as table", Mark::Chart(ChartHint::Table)), ("in a table", Mark::Chart(ChartHint::Table)),
    ("table", Mark::Chart(ChartHint::Table)), ("over time", Mark::Trend), ("trend", Mark::Trend),
    ("trend of", Mark::Trend), ("trends", Mark::Trend), ("trending", Mark::Trend), ("trended", Mark::Trend), ("develop", Mark::Trend), ("developed", Mark::Trend), ("evolve", Mark::Trend), ("evolved", Mark::Trend), ("trend for", Mark::Trend), ("trend in", Mark::Trend),
    ("development of", Mark::Trend), ("evolution of", Mark::Trend), ("timeline", Mark::Trend),
    ("time series", Mark::Trend), ("history of", Mark::Trend), ("all", Mark::All), ("every single", Mark::All),
    ("regardless of", Mark::All), ("for all", Mark::All), ("in all", Mark::All), ("across all", Mark::All),
    ("all of the", Mark::All), ("all the", Mark::All), ("for any", Mark::All), ("of all", Mark::All),
];

static FILLER_SET: LazyLock<HashSet<&str>> = LazyLock::new(|| FILLER.iter().copied().collect());
static REAL_SET: LazyLock<HashSet<&str>> = LazyLock::new(|| REAL_WORDS.iter().copied().collect());

/// Whether a word carries no condition.
pub(crate) fn is_filler(norm: &str) -> bool {
    FILLER_SET.contains(norm)
}

/// Whether a word is spelt right as it is, though the model may lack it.
pub(crate) fn is_real(norm: &str) -> bool {
    REAL_SET.contains(norm)
}

/// The families of meaning, in stems.
pub(crate) static FAMILY_STEMS: LazyLock<Vec<HashSet<String>>> = LazyLock::new(|| {
    FAMILIES.iter().map(|family| family.iter().map(|word| crate::token::stem(word)).collect()).collect()
});

/// Number words; `hundred`, `thousand` and `million` multiply what stands before them.
pub(crate) fn number_word(norm: &str) -> Option<u64> {
    Some(match norm {
        "one" => 1,
        "two" => 2,
        "three" => 3,
        "four" => 4,
        "five" => 5,
        "six" => 6,
        "seven" => 7,
        "eight" => 8,
        "nine" => 9,
        "ten" => 10,
        "eleven" => 11,
        "twelve" | "dozen" => 12,
        "fifteen" => 15,
        "twenty" => 20,
        "thirty" => 30,
        "forty" => 40,
        "fifty" => 50,
        _ => return None,
    })
}

/// How many zeros a word adds to the number before it.
pub(crate) fn multiplier(norm: &str) -> Option<usize> {
    Some(match norm {
        "hundred" => 2,
        "thousand" | "grand" => 3,
        "million" | "millions" => 6,
        "billion" => 9,
        _ => return None,
    })
}

/// The month a word names, 1 to 12.
pub(crate) fn month(norm: &str) -> Option<u32> {
    Some(match norm {
        "january" | "jan" => 1,
        "february" | "feb" => 2,
        "march" | "mar" => 3,
        "april" | "apr" => 4,
        "may" => 5,
        "june" | "jun" => 6,
        "july" | "jul" => 7,
        "august" | "aug" => 8,
        "september" | "sep" | "sept" => 9,
        "october" | "oct" => 10,
        "november" | "nov" => 11,
        "december" | "dec" => 12,
        _ => return None,
    })
}

/// The weekday a word names, Monday 0.
pub(crate) fn weekday(norm: &str) -> Option<u32> {
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
        .iter()
        .zip(0..)
        .find_map(|(name, number)| (*name == norm).then_some(number))
}

/// An ordinal up to fourth, for quarters and halves.
pub(crate) fn ordinal(norm: &str) -> Option<u32> {
    Some(match norm {
        "first" | "1st" => 1,
        "second" | "2nd" => 2,
        "third" | "3rd" => 3,
        "fourth" | "4th" => 4,
        _ => return None,
    })
}

/// Words of time and grammar that a typo may have been meant for, beside the words of the model.
#[rustfmt::skip]
pub(crate) const SPELLABLE: &[&str] = &[
    "month", "months", "monthly", "quarter", "quarters", "quarterly", "weekly", "daily", "yearly", "january",
    "february", "march", "april", "june", "july", "august", "september", "october", "november", "december",
    "yesterday", "today", "average", "median", "highest", "lowest", "largest", "smallest", "between",
    "excluding", "without", "compared", "previous", "percentage", "growth", "bottom", "fewest", "number",
    "weeks", "years", "since", "before", "until", "distinct", "unique", "instead", "which", "share",
];

/// Families of meaning, used only to choose what to offer for a word the model lacks; never to read a question.
const FAMILIES: &[&[&str]] = &[
    &[
        "profit", "margin", "revenue", "sale", "income", "turnover", "earning", "cost", "expense", "spend",
        "price", "amount", "money", "value", "mrr", "arr", "gmv", "billing", "charge", "fee", "budget",
        "payment", "loss",
    ],
    &[
        "customer",
        "client",
        "user",
        "buyer",
        "visitor",
        "account",
        "member",
        "subscriber",
        "patient",
        "signup",
        "person",
        "shopper",
        "guest",
        "tenant",
        "employee",
        "student",
        "churn",
        "retention",
    ],
    &["order", "purchase", "transaction", "booking", "sale", "item", "unit", "deal", "basket", "cart"],
    &["visit", "session", "click", "page", "view", "traffic", "impression", "pageview"],
    &["duration", "length", "stay", "time", "delay", "wait", "latency", "hour", "day"],
    &["rate", "ratio", "share", "percent", "conversion", "probability", "likelihood"],
    &["stock", "inventory", "unit", "warehouse", "supply"],
    &[
        "region",
        "country",
        "city",
        "state",
        "area",
        "location",
        "place",
        "territory",
        "market",
        "zone",
        "store",
    ],
];
