use auth_core::error::StoreFault;
use auth_core::ports::Store;
use auth_store::MemoryStore;
use auth_store::contract::{self, Needs, Subject};

struct Memory(MemoryStore);

impl Subject for Memory {
    fn open(&self) -> Result<Box<dyn Store>, StoreFault> {
        Ok(Box::new(self.0.clone()))
    }
}

#[test]
fn memory_keeps_the_contract_of_one_process() {
    let report = contract::run(|| Ok(Memory(MemoryStore::new())));
    println!("{report}");
    report.assert_all();
    let skipped: Vec<_> = report.skipped().map(|(name, _)| name).collect();
    let others = contract::clauses().iter().filter(|clause| clause.needs != Needs::Store);
    assert_eq!(skipped, others.map(|clause| clause.name).collect::<Vec<_>>());
}
