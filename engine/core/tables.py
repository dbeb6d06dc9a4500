"""Where the tables are declared: the modules that migrations and start-up must have imported."""

MODULES = (
    "engine.cases.case",
    "engine.cases.documents",
    "engine.cases.drafts",
    "engine.cases.lawful_clock",
    "engine.cases.record",
    "engine.cases.work",
    "engine.catalog.parameters",
    "engine.catalog.releases",
    "engine.core.demo_clock",
    "engine.jobs.queue",
    "engine.outside.ledger",
    "engine.registers.accounts",
    "engine.registers.households",
    "engine.registers.notices",
    "engine.registers.offices",
)
