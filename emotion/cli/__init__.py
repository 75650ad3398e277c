"""What commands share: settings, the way they start and end, the bar."""
