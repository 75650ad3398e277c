"""What DEVICE_ID names -> frames with their time."""
