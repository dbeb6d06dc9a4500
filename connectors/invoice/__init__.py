"""Electronic invoices: 数电发票 of the tax side and 财政电子票据 of the finance side; issue, query, download, red."""
