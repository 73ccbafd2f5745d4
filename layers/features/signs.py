"""The icons that a kind may have: those of the set that tell places, machines and people's trades apart at a glance."""

SIGNS = (
    "map-pin", "landmark", "monitor-smartphone", "monitor", "store", "gift", "banknote", "credit-card", "arrow-left-right",
    "receipt", "phone", "house", "building", "building-2", "warehouse", "wheat", "tractor", "sprout", "handshake",
    "factory", "briefcase", "shopping-bag", "shopping-cart", "school", "hospital", "bus", "trees", "route", "flag",
    "recycle", "flame", "users", "heart", "heart-handshake", "star", "bike", "car", "church", "droplets", "fuel", "graduation-cap",
    "hotel", "library", "mail", "megaphone", "parking-meter", "shield", "stethoscope", "truck", "utensils", "wifi", "wrench", "scale", "triangle-alert", "camera",
)  # fmt: skip
