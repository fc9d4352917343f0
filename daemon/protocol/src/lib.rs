//! wharf-protocol
