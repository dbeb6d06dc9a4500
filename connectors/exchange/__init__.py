"""共享交换网关: what other offices know, asked for by catalogue item over encrypted message middleware."""
