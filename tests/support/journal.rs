//! A journal that keeps records in memory, and refuses or waits when a test says so.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use switchboard::domain::{QueryId, Seq, Session, SessionId};
use switchboard::engine::{
    Draft, Durability, Journal, JournalError, MemoryJournal, Page, Record, Reply, Stored, StoredPage,
};
use tokio::sync::oneshot;

/// Which records something is done to.
type Selector = Box<dyn Fn(SessionId, &[Record], Durability) -> bool + Send + Sync>;

/// The journal of a test.
pub(crate) struct TestJournal {
    pub(crate) memory: MemoryJournal,
    refused: Mutex<Option<Selector>>,
    held: Mutex<Option<Selector>>,
    waiting: Mutex<Vec<Waiting>>,
    reads_wait: AtomicBool,
    waiting_reads: Mutex<Vec<WaitingRead>>,
    reads: AtomicUsize,
    is_unclean: AtomicBool,
    damaged: Mutex<Vec<SessionId>>,
    /// Whose records were taken, and how many at once, in order.
    appends: Mutex<Vec<(SessionId, usize)>>,
    watcher: Mutex<Option<Box<dyn Fn() + Send + Sync>>>,
}

/// A page that its reader has not got yet.
type WaitingRead = (oneshot::Sender<Result<Page, JournalError>>, Result<Page, JournalError>);

/// Records that nobody has written yet.
struct Waiting {
    session: SessionId,
    records: Vec<Record>,
    durability: Durability,
    reply: oneshot::Sender<Result<(), JournalError>>,
}

impl TestJournal {
    pub(crate) fn new(memory: MemoryJournal) -> Self {
        Self {
            memory,
            refused: Mutex::default(),
            held: Mutex::default(),
            waiting: Mutex::default(),
            reads_wait: AtomicBool::default(),
            waiting_reads: Mutex::default(),
            reads: AtomicUsize::default(),
            is_unclean: AtomicBool::default(),
            damaged: Mutex::default(),
            appends: Mutex::default(),
            watcher: Mutex::default(),
        }
    }

    /// A journal with the first records of each session, as many as `kept` says of them.
    pub(crate) fn image(&self, kept: impl Fn(SessionId, &[Record]) -> usize) -> MemoryJournal {
        let image = MemoryJournal::keeping_everything();
        let Reply::Ready(Ok(stored)) = self.memory.stored(0, usize::MAX) else { panic!("memory answers at once") };
        for stored in &stored.sessions {
            let id = stored.session.id();
            let Reply::Ready(Ok(Some(records))) = self.memory.records(id) else { panic!("everything is kept") };
            let kept = &records[..kept(id, &records)];
            if !kept.is_empty() {
                drop(image.append(id, kept, Durability::Acknowledged));
            }
        }
        image
    }

    /// A journal with the first so many appends.
    pub(crate) fn image_of(&self, appends: usize) -> MemoryJournal {
        let mut kept: HashMap<SessionId, usize> = HashMap::new();
        for (session, records) in &self.appends.lock().unwrap()[..appends] {
            *kept.entry(*session).or_default() += records;
        }
        self.image(|session, _| kept.get(&session).copied().unwrap_or(0))
    }

    /// How many appends it took.
    pub(crate) fn appends(&self) -> usize {
        self.appends.lock().unwrap().len()
    }

    /// Does something as each append comes.
    pub(crate) fn at_each_append(&self, watcher: impl Fn() + Send + Sync + 'static) {
        *self.watcher.lock().unwrap() = Some(Box::new(watcher));
    }

    /// How many records there are of a session.
    pub(crate) fn count(&self, id: SessionId) -> usize {
        let Reply::Ready(Ok(Some(records))) = self.memory.records(id) else { panic!("everything is kept") };
        records.len()
    }

    /// Makes the process before one that did not end in order.
    pub(crate) fn was_killed(&self) {
        self.is_unclean.store(true, Ordering::SeqCst);
    }

    /// Makes the records of a session unreadable.
    pub(crate) fn damage(&self, session: SessionId) {
        self.damaged.lock().unwrap().push(session);
    }

    fn is_damaged(&self, session: SessionId) -> bool {
        self.damaged.lock().unwrap().contains(&session)
    }

    /// Refuses records of this kind from now on.
    pub(crate) fn refuse(&self, selector: impl Fn(SessionId, &[Record], Durability) -> bool + Send + Sync + 'static) {
        *self.refused.lock().unwrap() = Some(Box::new(selector));
    }

    /// Refuses what somebody waits for.
    pub(crate) fn refuse_acknowledged(&self) {
        self.refuse(|_, _, durability| durability == Durability::Acknowledged);
    }

    /// Takes everything again.
    pub(crate) fn accept(&self) {
        *self.refused.lock().unwrap() = None;
    }

    /// Leaves records of this kind unwritten until they are released.
    pub(crate) fn hold(&self, selector: impl Fn(SessionId, &[Record], Durability) -> bool + Send + Sync + 'static) {
        *self.held.lock().unwrap() = Some(Box::new(selector));
    }

    /// Writes what was held back, or refuses it, and holds back nothing more.
    pub(crate) fn release(&self, word: &Result<(), JournalError>) {
        *self.held.lock().unwrap() = None;
        for Waiting { session, records, durability, reply } in std::mem::take(&mut *self.waiting.lock().unwrap()) {
            if word.is_ok() {
                let Reply::Ready(Ok(())) = self.memory.append(session, &records, durability) else {
                    panic!("memory takes everything at once")
                };
            }
            let _ = reply.send(word.clone());
        }
    }

    /// How many calls are held back.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.lock().unwrap().len()
    }

    /// Lets readers wait until they are released.
    pub(crate) fn hold_reads(&self) {
        self.reads_wait.store(true, Ordering::SeqCst);
    }

    /// Serves the readers that wait, and lets none wait any more.
    pub(crate) fn release_reads(&self) {
        self.reads_wait.store(false, Ordering::SeqCst);
        for (reply, page) in std::mem::take(&mut *self.waiting_reads.lock().unwrap()) {
            let _ = reply.send(page);
        }
    }

    /// How often it was read.
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }
}

/// Whether the last record of a session says that it is run again.
pub(crate) fn has_resumed(journal: &MemoryJournal, id: SessionId) -> bool {
    let Reply::Ready(Ok(Some(records))) = journal.records(id) else { return false };
    matches!(records.last(), Some(Record::Resumed { .. }))
}

impl Journal for TestJournal {
    fn append(&self, session: SessionId, records: &[Record], durability: Durability) -> Reply<()> {
        let selects = |selector: &Mutex<Option<Selector>>| {
            selector.lock().unwrap().as_ref().is_some_and(|selector| selector(session, records, durability))
        };
        if selects(&self.refused) {
            return Reply::Ready(Err(JournalError("the disk is full".into())));
        }
        if selects(&self.held) {
            let (reply, receipt) = oneshot::channel();
            let waiting = Waiting { session, records: records.to_vec(), durability, reply };
            self.waiting.lock().unwrap().push(waiting);
            return Reply::Later(receipt);
        }
        let mut appends = self.appends.lock().unwrap();
        appends.push((session, records.len()));
        if let Some(watcher) = &*self.watcher.lock().unwrap() {
            watcher();
        }
        self.memory.append(session, records, durability)
    }

    fn events(&self, session: SessionId, from: Seq, max: usize) -> Reply<Page> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let page = self.memory.events(session, from, max);
        if !self.reads_wait.load(Ordering::SeqCst) {
            return page;
        }
        let Reply::Ready(page) = page else { panic!("memory answers at once") };
        let (reply, receipt) = oneshot::channel();
        self.waiting_reads.lock().unwrap().push((reply, page));
        Reply::Later(receipt)
    }

    fn retire(&self, session: Arc<Session>) {
        self.memory.retire(session);
    }

    fn retired(&self, session: SessionId) -> Option<Arc<Session>> {
        self.memory.retired(session).filter(|_| !self.is_damaged(session))
    }

    fn all_retired(&self) -> Vec<Arc<Session>> {
        self.memory.all_retired()
    }

    fn records(&self, session: SessionId) -> Reply<Option<Arc<[Record]>>> {
        self.memory.records(session)
    }

    fn stored(&self, behind: u64, max: usize) -> Reply<Arc<StoredPage>> {
        let Reply::Ready(Ok(page)) = self.memory.stored(behind, max) else { panic!("memory answers at once") };
        let mut page = Arc::unwrap_or_clone(page);
        let damaged = page.sessions.extract_if(.., |stored| self.is_damaged(stored.session.id()));
        page.damaged = damaged.map(|stored| (stored.session.id(), JournalError("a row is damaged".into()))).collect();
        Reply::Ready(Ok(Arc::new(page)))
    }

    fn stored_one(&self, session: SessionId) -> Reply<Option<Stored>> {
        if self.is_damaged(session) {
            return Reply::Ready(Err(JournalError("a row is damaged".into())));
        }
        self.memory.stored_one(session)
    }

    fn stored_count(&self) -> Reply<usize> {
        self.memory.stored_count()
    }

    fn outlives_the_process(&self) -> bool {
        self.memory.outlives_the_process()
    }

    fn was_closed(&self) -> bool {
        !self.is_unclean.load(Ordering::SeqCst)
    }

    fn keep_draft(&self, session: SessionId, query: QueryId, text: Option<Arc<str>>) {
        self.memory.keep_draft(session, query, text);
    }

    fn drafts(&self) -> Reply<Arc<[Draft]>> {
        self.memory.drafts()
    }

    fn trouble(&self) -> Option<String> {
        self.memory.trouble()
    }

    fn close(&self) -> Reply<()> {
        self.memory.close()
    }
}
