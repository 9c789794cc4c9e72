#if arch(wasm32)
  import CairnBlocks
  import CairnObjects
  import CairnTables
  import CairnVolumes
  import Candid
  import Canister

  // The methods that every service has.

  extension Service {
    /// `begin : (lease_seconds : nat64) -> (nat64)`: a transaction over several messages, for the principal that begins it.
    public func begin() {
      var arguments = ServiceArguments()
      let seconds = arguments.nat64()
      answer(.nat64) { (store) throws(StorageError) in .nat(try store.begin(lease: .seconds(seconds)).rawValue) }
    }

    /// `commit : (nat64) -> (null)`: everything that was staged, at once; may be repeated for a day.
    public func commit() {
      var arguments = ServiceArguments()
      let id = arguments.nat64()
      answer(.null) { (store) throws(StorageError) in
        try store.commit(try Self.transaction(id))
        return .null
      }
    }

    /// `rollback : (nat64) -> (null)`; may be repeated for a day.
    public func rollback() {
      var arguments = ServiceArguments()
      let id = arguments.nat64()
      answer(.null) { (store) throws(StorageError) in
        try store.rollback(try Self.transaction(id))
        return .null
      }
    }

    static let rightType = CandidType.variant([
      CandidField("read", .null), CandidField("write", .null), CandidField("admin", .null),
    ])

    /// `grant : (principal, right, table : opt text) -> (null)`: a right on the whole store, or on one table, which from then on is
    /// only for principals with grants on it. For administrators.
    public func grant() {
      var arguments = ServiceArguments()
      let (bytes, right, name) = (arguments.principal(), arguments.value(Self.rightType), arguments.optionalText())
      answer(.null) { (store) throws(StorageError) in
        guard case .variant(let choice, _) = right else { throw .invalidArgument("a right is read, write or admin") }
        let principal = try Principal(bytes)
        if let name {
          let rights: TableRights = choice == 0 ? .read : choice == 1 ? [.read, .insert, .update, .delete] : .all
          try store.transaction { (transaction) throws(StorageError) in
            try transaction.tables().grant(rights, on: name, to: principal)
          }
        } else {
          try store.grant(choice == 0 ? .read : choice == 1 ? .write : .admin, to: principal, on: .store)
        }
        return .null
      }
    }

    /// `revoke : (principal, table : opt text) -> (null)`: takes all rights on the whole store, or on one table. For administrators.
    public func revoke() {
      var arguments = ServiceArguments()
      let (bytes, name) = (arguments.principal(), arguments.optionalText())
      answer(.null) { (store) throws(StorageError) in
        let principal = try Principal(bytes)
        if let name {
          try store.transaction { (transaction) throws(StorageError) in
            try transaction.tables().revoke(principal, on: name)
          }
        } else {
          try store.revoke(from: principal, on: .store)
        }
        return .null
      }
    }

    /// `step : (budget : nat64) -> (bool)`: goes on with long work, about so many blocks of it; true when nothing is left.
    public func step() {
      var arguments = ServiceArguments()
      let budget = Int(clamping: arguments.nat64())
      answer(.bool) { (store) throws(StorageError) in .bool(try store.step(budget: budget)) }
    }

    static let checkArguments = ["deep : bool", "budget : nat64", "after : opt blob"]
    static let checkType = CandidType.record([
      CandidField("findings", .vector(.text)), CandidField("next", .optional(.blob)),
    ])

    /// `check : (deep : bool, budget : nat64, after : opt blob) -> (record { findings; next }) query`: looks at about so many entries
    /// and blocks of everything that is stored, behind where the call before ended; whether each verifies and stands where it
    /// should. For principals that may read everything.
    public func check() {
      var arguments = ServiceArguments()
      let (isDeep, budget, start) = (arguments.bool(), arguments.nat64(), arguments.optionalBlob())
      answer(Self.checkType) { (store) throws(StorageError) in
        let volumes = tables.isEmpty ? [ObjectVolume.defaultName] : [ObjectVolume.defaultName, Self.tablesName]
        // Which volume, and the cursor in it.
        let position = Int(start?.first ?? 0)
        guard position < volumes.count, start?.isEmpty != true else {
          throw .invalidArgument("where to go on comes from no check")
        }
        let cursor = (start?.dropFirst()).flatMap { $0.isEmpty ? nil : CheckCursor(Array($0)) }
        let piece = try store.check(
          volume: volumes[position], deep: isDeep, after: cursor, budget: Int(clamping: budget))
        var next: CandidValue = .none
        if let cursor = piece.next {
          next = .some(.bytes([UInt8(position)] + cursor.bytes))
        } else if position + 1 < volumes.count {
          next = .some(.bytes([UInt8(position + 1)]))
        }
        return .record([.vector(piece.report.findings.map { .text($0.description) }), next])
      }
    }

    static let statusNames = [
      "capacity", "used", "free", "reserved", "journal", "objects", "rows", "transactions", "works",
    ]

    /// `status : () -> (record) query`: bytes of the store, and how many objects, rows, open transactions and long works there
    /// are.
    public func status() {
      answer(.record(Self.statusNames.map { CandidField($0, .nat64) })) { (store) throws(StorageError) in
        let volumes = try store.volumes()
        func items(_ kind: VolumeKind) -> UInt64 {
          volumes.reduce(0) { $0 + ($1.kind == kind ? $1.usage.itemCount : 0) }
        }
        let space = store.space
        let figures: [UInt64] = [
          space.capacity, space.used, space.free, space.reserved, space.journal, items(.objects), items(.tables),
          UInt64(try store.transactions().count), UInt64(try store.works().count),
        ]
        return .record(figures.map { .nat($0) })
      }
    }
  }
#endif
