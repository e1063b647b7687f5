"""Rules of the next best action: their language, its checks, whom they hold for."""
