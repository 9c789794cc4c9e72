#if arch(wasm32)
  import CairnBlocks
  import CairnMemory
  import CairnObjects
  public import CairnTables
  import CairnVolumes
  import Candid
  import Canister

  /// The methods of a canister that `@Canister` declares: tables and buckets in one store, in the canister's stable memory.
  ///
  /// A table or a bucket is known by its place in the lists that the service was made with. Each method answers the message that
  /// is executed; an error of the store is answered as `err`, because a commit that found a conflict has rolled back and must not
  /// be taken back. Arguments that are not of the method's types end the message.
  public final class Service: @unchecked Sendable {
    let tables: [ServiceTable]
    let buckets: [String]
    /// A canister has one thread.
    private var opened: Store?

    /// The volume of the tables.
    static let tablesName = "tables"
    /// Pages that a new store begins with; it grows by itself.
    private static let startPageCount: UInt64 = 768
    /// The journal's ring: what one transaction can change.
    private static let journalByteCount: UInt64 = 16 << 20

    /// A service of these tables and buckets.
    public init(tables: [ServiceTable], buckets: [String]) {
      self.tables = tables
      self.buckets = buckets
    }

    // MARK: Life

    /// `canister_init`: makes the store. Who installs it administers it.
    public func initialize() {
      do throws(StorageError) {
        let memory = CanisterMemory.shared
        do { try memory.grow(by: Self.startPageCount) } catch { throw .memory(error) }
        let format = FormatOptions(journalByteCount: Self.journalByteCount, growsByItself: true)
        let store = try Store.create(on: memory, format: format, options: Self.options)
        try store.createVolume(ObjectVolume.defaultName, kind: .objects)
        try store.grant(.admin, to: try Principal(Message.caller()), on: .store)
        try prepare(store)
      } catch {
        Message.trap("canister_init: \(error)")
      }
    }

    /// `canister_post_upgrade`: opens the store that is there, and brings tables and buckets to what this version declares. An
    /// image that is no store's, or of a newer format, ends the upgrade.
    public func upgraded() {
      do throws(StorageError) {
        try prepare(try Store.open(on: CanisterMemory.shared, options: Self.options))
      } catch {
        Message.trap("canister_post_upgrade: \(error)")
      }
    }

    private static var options: StoreOptions {
      var options = StoreOptions(filesystems: [ObjectFilesystem(), TableFilesystem()], environment: .canister)
      // A message has an instruction limit; `step` goes on with what is long.
      options.removesInSteps = true
      return options
    }

    private func prepare(_ store: Store) throws(StorageError) {
      if !tables.isEmpty {
        var schemas: [TableSchema] = []
        for table in tables { schemas.append(table.schema) }
        try store.openTables(Self.tablesName, try DatabaseSchema(schemas), buildsIndexesInSteps: true)
      }
      try store.transaction { (transaction) throws(StorageError) in
        for name in buckets { _ = try transaction.createBucket(name, ifMissing: true) }
      }
      opened = store
    }

    // MARK: Messages

    /// Answers the message with what `body` returns, or with its error. The store acts as the caller.
    func answer(_ type: CandidType, _ body: (Store) throws(StorageError) -> CandidValue) {
      guard let opened else { Message.trap("the canister has no store") }
      let result = CandidType.result(of: type)
      do throws(StorageError) {
        let store = opened.acting(as: try Principal(Message.caller()))
        Message.reply(CandidEncoder.message(result, .variant(0, try body(store))))
      } catch {
        Message.reply(CandidEncoder.message(result, .variant(1, .text(error.description))))
      }
    }

    /// Changes something and answers: in the transaction whose id stands behind the other arguments, or at once.
    func change(
      _ type: CandidType, _ arguments: inout ServiceArguments,
      _ body: (Transaction) throws(StorageError) -> CandidValue
    ) {
      let id = arguments.transaction()
      answer(type) { (store) throws(StorageError) in
        guard let id else { return try store.transaction(body) }
        return try store.resume(try Self.transaction(id), body)
      }
    }

    /// Reads something and answers: as the transaction sees it whose id stands behind the other arguments, or what is committed.
    ///
    /// Looking into a transaction is a call of it, which notes what was read. The replica forgets that with everything else that a
    /// query changes: what only queries read is no conflict at commit.
    func look(
      _ type: CandidType, _ arguments: inout ServiceArguments,
      _ body: (Transaction) throws(StorageError) -> CandidValue
    ) {
      let id = arguments.transaction()
      answer(type) { (store) throws(StorageError) in
        guard let id else { return try store.read(body) }
        return try store.resume(try Self.transaction(id), body)
      }
    }

    /// The transaction with an id that came from a client.
    static func transaction(_ id: UInt64) throws(StorageError) -> TransactionID {
      guard let transaction = TransactionID(rawValue: id) else { throw .unknownTransaction(id) }
      return transaction
    }
  }

  /// A table of a service: what its struct declares.
  public struct ServiceTable: Sendable {
    /// What the methods' names begin with.
    let name: String
    let schema: TableSchema
    let definition: TableDefinition

    /// A table of a type of rows, with methods of a name.
    public init<Row: TableRow>(_ name: String, _ type: Row.Type) {
      self.name = name
      schema = type.tableSchema
      definition = type.tableDefinition
    }
  }
#endif
