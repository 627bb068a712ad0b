"""Volume collapse: operations that stop arriving. Pure, arrays over series."""
