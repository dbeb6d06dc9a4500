"""Payment channels (扫码支付): WeChat Pay v3 and Alipay; order, notice, query, close, refund, bill file."""
