"""Operations: health, metrics and documentation. All public."""
