#if arch(wasm32)
  import CairnBlocks
  import CairnTables
  import CairnVolumes
  import Candid
  import Canister

  // The methods of tables.

  extension Service {
    /// `x_insert : (row, opt nat64) -> (row)`: adds a row; as it is stored.
    public func insertRow(table: Int) {
      let table = tables[table]
      var arguments = ServiceArguments()
      let row = arguments.value(table.rowType)
      change(table.rowType, &arguments) { (transaction) throws(StorageError) in
        table.candid(try table.open(in: transaction).insert(try table.row(row)))
      }
    }

    /// `x_upsert : (row, opt nat64) -> (bool)`: adds a row, or puts it in the place of the one with its key; whether it was added.
    public func upsertRow(table: Int) {
      changeRow(table) { (table, row) throws(StorageError) in try table.upsert(row) }
    }

    /// `x_replace : (row, opt nat64) -> (bool)`: puts a row in the place of the one with its key; false: there is none.
    public func replaceRow(table: Int) {
      changeRow(table) { (table, row) throws(StorageError) in try table.replace(row) }
    }

    private func changeRow(_ table: Int, _ body: (Table, [ColumnValue]) throws(StorageError) -> Bool) {
      let table = tables[table]
      var arguments = ServiceArguments()
      let row = arguments.value(table.rowType)
      change(.bool, &arguments) { (transaction) throws(StorageError) in
        .bool(try body(try table.open(in: transaction), try table.row(row)))
      }
    }

    static let assignmentsType = CandidType.vector(
      .record([CandidField("column", .text), CandidField("value", AnyValue.type)]))

    /// `x_update : (key, assignments, opt nat64) -> (bool)`: sets some columns; false: there is no such row.
    public func updateRow(table: Int) {
      let table = tables[table]
      var arguments = ServiceArguments()
      let (key, written) = (arguments.value(table.keyType), arguments.value(Self.assignmentsType))
      change(.bool, &arguments) { (transaction) throws(StorageError) in
        guard case .vector(let parts) = written else { throw .invalidArgument("assignments are a vector") }
        var assignments: [(String, ColumnValue)] = []
        for part in parts {
          guard case .record(let fields) = part, case .text(let name) = fields[0] else { continue }
          assignments.append((name, try AnyValue.columnValue(fields[1], for: try table.column(name))))
        }
        return .bool(try table.open(in: transaction).update(try table.key(key), assignments))
      }
    }

    /// `x_delete : (key, opt nat64) -> (bool)`: deletes a row, and what its references say; false: there is none.
    public func deleteRow(table: Int) {
      let table = tables[table]
      var arguments = ServiceArguments()
      let key = arguments.value(table.keyType)
      change(.bool, &arguments) { (transaction) throws(StorageError) in
        .bool(try table.open(in: transaction).delete(try table.key(key)))
      }
    }

    /// `x_delete_where : (filter, opt nat64) -> (null)`: begins to delete rows, and what their references say; `step` does it.
    public func deleteRows(table: Int) {
      let table = tables[table]
      var arguments = ServiceArguments()
      let filter = arguments.value(Self.filterType)
      change(.null, &arguments) { (transaction) throws(StorageError) in
        try table.open(in: transaction).beginDeleting(where: try Self.predicate(.some(filter), table))
        return .null
      }
    }

    /// `x_get : (key, opt nat64) -> (opt row) query`.
    public func getRow(table: Int) {
      let table = tables[table]
      var arguments = ServiceArguments()
      let key = arguments.value(table.keyType)
      look(.optional(table.rowType), &arguments) { (transaction) throws(StorageError) in
        guard let row = try table.open(in: transaction).get(try table.key(key)) else { return .none }
        return .some(table.candid(row))
      }
    }

    // MARK: Questions

    static let comparisons: [(name: String, comparison: Comparison)] = [
      ("equal", .equal), ("not_equal", .notEqual), ("less", .less), ("less_or_equal", .lessOrEqual),
      ("greater", .greater), ("greater_or_equal", .greaterOrEqual),
    ]

    /// Any of several lists of conditions, all of which hold; every row without any.
    static let filterType = CandidType.vector(
      .vector(
        .record([
          CandidField("column", .text),
          CandidField(
            "is",
            .variant(
              comparisons.map { CandidField($0.name, AnyValue.type) }
                + [CandidField("prefix", AnyValue.type), CandidField("contains", AnyValue.type)])),
        ])))

    static let queryType = CandidType.record([
      CandidField("filter", .optional(filterType)),
      CandidField(
        "sort", .optional(.vector(.record([CandidField("column", .text), CandidField("descending", .bool)])))),
      CandidField("limit", .optional(.nat64)), CandidField("after", .optional(.blob)),
    ])

    /// Rows of one page at most; the reply must hold them.
    private static let pageRowCountMax: UInt64 = 1000

    static func pageType(_ table: ServiceTable) -> CandidType {
      .record([CandidField("rows", .vector(table.rowType)), CandidField("next", .optional(.blob))])
    }

    /// `x_find : (query, opt nat64) -> (record { rows; next }) query`: a page of the rows that are asked for, and where the next one goes on.
    public func findRows(table: Int) {
      let table = tables[table]
      var arguments = ServiceArguments()
      let question = arguments.value(Self.queryType)
      look(Self.pageType(table), &arguments) { (transaction) throws(StorageError) in
        guard case .record(let fields) = question else { throw .invalidArgument("a query is a record") }
        var query = Query(try Self.predicate(fields[0], table), order: try Self.order(fields[1], table))
        query.limit = Self.pageRowCountMax
        if case .some(.nat(let limit)) = fields[2] { query.limit = max(1, min(limit, Self.pageRowCountMax)) }
        if case .some(.bytes(let token)) = fields[3] { query.after = PageToken(token) }
        let rows = try table.open(in: transaction).select(query)
        var page: [CandidValue] = []
        while let row = try rows.next() { page.append(table.candid(row)) }
        let isFull = UInt64(page.count) == query.limit
        let next = isFull ? rows.pageToken : nil
        return .record([.vector(page), next.map { .some(.bytes($0.bytes)) } ?? .none])
      }
    }

    /// `x_count : (opt filter, opt nat64) -> (nat64) query`: how many rows there are.
    public func countRows(table: Int) {
      let table = tables[table]
      var arguments = ServiceArguments()
      let filter = arguments.value(.optional(Self.filterType))
      look(.nat64, &arguments) { (transaction) throws(StorageError) in
        .nat(try table.open(in: transaction).count(try Self.predicate(filter, table)))
      }
    }

    private static func predicate(_ filter: CandidValue, _ table: ServiceTable) throws(StorageError) -> Predicate {
      guard case .some(.vector(let alternatives)) = filter, !alternatives.isEmpty else { return .always }
      var any: [Predicate] = []
      for alternative in alternatives {
        guard case .vector(let conditions) = alternative else { continue }
        var all: [Predicate] = []
        for condition in conditions { all.append(try predicate(condition: condition, table)) }
        any.append(.and(all))
      }
      return any.count == 1 ? any[0] : .or(any)
    }

    private static func predicate(
      condition: CandidValue, _ table: ServiceTable
    ) throws(StorageError) -> Predicate {
      guard case .record(let fields) = condition, case .text(let name) = fields[0],
        case .variant(let choice, let written) = fields[1]
      else { throw .invalidArgument("a condition is a record of a column and what it is") }
      let value = try AnyValue.columnValue(written, for: try table.column(name))
      if choice < comparisons.count { return .compare(name, comparisons[choice].comparison, value) }
      return choice == comparisons.count ? .hasPrefix(name, value) : .contains(name, value)
    }

    private static func order(_ sort: CandidValue, _ table: ServiceTable) throws(StorageError) -> [OrderTerm] {
      guard case .some(.vector(let parts)) = sort else { return [] }
      var terms: [OrderTerm] = []
      for part in parts {
        guard case .record(let fields) = part, case .text(let name) = fields[0],
          case .bool(let isDescending) = fields[1]
        else { continue }
        terms.append(OrderTerm(try table.column(name).name, isDescending: isDescending))
      }
      return terms
    }
  }

  extension ServiceTable {
    /// The table in a transaction.
    func open(in transaction: Transaction) throws(StorageError) -> Table {
      try transaction.tables().table(try definition.prepared())
    }
  }
#endif
