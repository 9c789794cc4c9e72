#if arch(wasm32)
  import CairnBlocks
  import CairnObjects
  import CairnVolumes
  import Canister
  import Candid

  /// A new canister: its store is made.
  @_expose(wasm, "canister_init") @c(backend_init)
  public func initialize() {
    do throws(StorageError) {
      try Backend.create(administrator: Message.caller())
    } catch {
      Message.trap("canister_init: \(error)")
    }
  }

  /// Another version of the canister on the same stable memory. An image that is not a store's, or of a newer format,
  /// ends the upgrade, and the replica goes on with the old version.
  @_expose(wasm, "canister_post_upgrade") @c(backend_post_upgrade)
  public func upgraded() {
    do throws(StorageError) {
      try Backend.open()
    } catch {
      Message.trap("canister_post_upgrade: \(error)")
    }
  }

  /// `grant : (principal, text) -> (Result)`: read, write or admin on the whole store, for administrators.
  @_expose(wasm, "canister_update grant") @c(backend_grant)
  public func grant() {
    var arguments = Arguments()
    let (principal, right) = (arguments.principal(), arguments.text())
    answer(.null) { (_, store) throws(StorageError) in
      let rights: Rights? = [("read", Rights.read), ("write", .write), ("admin", .admin)].first {
        $0.0.utf8.elementsEqual(right.utf8)
      }?.1
      guard let rights else { throw .invalidArgument("a right is read, write or admin") }
      try store.grant(rights, to: try Principal(principal), on: .store)
      return .null
    }
  }

  /// `step : (nat64) -> (Result_bool)`: goes on with long work, about so many entries or blocks of it; true when nothing is
  /// left.
  @_expose(wasm, "canister_update step") @c(backend_step)
  public func step() {
    var arguments = Arguments()
    let budget = arguments.nat64()
    answer(.bool) { (_, store) throws(StorageError) in .bool(try store.step(budget: Int(clamping: budget))) }
  }

  /// `cancel_works : () -> (Result_nat64)`: breaks off the long work that the caller may break off; how much there was. What was
  /// done stays done, and copies that are not whole are given back.
  @_expose(wasm, "canister_update cancel_works") @c(backend_cancel_works)
  public func cancelWorks() {
    answer(.nat64) { (_, store) throws(StorageError) in
      let works = try store.works()
      for work in works { try store.cancelWork(work.id) }
      return .nat(UInt64(works.count))
    }
  }

  /// `status : () -> (Result_status) query`: sizes in bytes.
  @_expose(wasm, "canister_query status") @c(backend_status)
  public func status() {
    let fields = [
      "capacity", "used", "free", "reserved", "journal", "volumes", "objects", "object_bytes", "transactions",
      "works",
    ]
    answer(.record(fields.map { CandidField($0, .nat64) })) { (_, store) throws(StorageError) in
      let volumes = try store.volumes()
      let objects = try store.read { (transaction) throws(StorageError) in try transaction.objects().usage() }
      let space = store.space
      let figures: [UInt64] = [
        space.capacity, space.used, space.free, space.reserved, space.journal, UInt64(volumes.count), objects.itemCount,
        objects.byteCount, UInt64(try store.transactions().count), UInt64(try store.works().count),
      ]
      return .record(figures.map { .nat($0) })
    }
  }

  /// `journal : (nat64) -> (Result_commits) query`: the last so many commits, oldest first.
  @_expose(wasm, "canister_query journal") @c(backend_journal)
  public func journal() {
    var arguments = Arguments()
    let limit = Int(clamping: arguments.nat64())
    let commit = CandidType.record([
      CandidField("sequence", .nat64), CandidField("time", .nat64), CandidField("event", .text),
      CandidField("transaction", .nat64), CandidField("principal", .blob), CandidField("changes", .nat64),
      CandidField("bytes", .nat64), CandidField("valid", .bool),
    ])
    answer(.vector(commit)) { (_, store) throws(StorageError) in
      let reader = try store.journal()
      var commits: [JournalCommit] = []
      while let commit = try reader.next() {
        // Twice as many as wanted at most, so that dropping the oldest costs little.
        if commits.count >= max(limit, 64) &* 2 { commits.removeFirst(commits.count - limit) }
        commits.append(commit)
      }
      return .vector(
        commits.suffix(limit).map { commit in
          .record([
            .nat(commit.sequence), .nat(commit.annotation.time), .text(commit.annotation.event.name),
            .nat(commit.annotation.transaction), .bytes(commit.annotation.principal), .nat(commit.changeCount),
            .nat(commit.byteCount), .bool(commit.isValid),
          ])
        })
    }
  }

  extension CommitAnnotation.Event {
    /// The event's name, as the `cairn` tool prints it.
    fileprivate var name: String {
      switch self {
      case .auto: "auto"
      case .begin: "begin"
      case .stage: "stage"
      case .prepare: "prepare"
      case .commit: "commit"
      case .rollback: "rollback"
      case .maintenance: "maintenance"
      }
    }
  }
#endif
