"""Who is in the class, by the roster and by the exports of learning platforms."""
