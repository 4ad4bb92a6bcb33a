"""What an operator may change: settings, ladder, vocabulary, locale, samples of deployment."""
