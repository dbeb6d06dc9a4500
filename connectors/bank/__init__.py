"""Banks (银行): batch deduction and payment by file, movements, arrival notices."""
