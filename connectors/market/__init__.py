"""Market supervision (市场监管): firms, and the posts people hold in them."""
