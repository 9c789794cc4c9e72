import CairnBlocks
import CairnBytes
import CairnVolumes

/// References that are looked at when the transaction commits: values that rows referred by, or were referred to by, when
/// something about them changed.
struct DeferredChecks {
  struct Entry: Hashable {
    /// The number of the table that refers.
    let table: UInt32
    /// The reference's name.
    let reference: [UInt8]
    /// What it refers by.
    let values: [ColumnValue]
  }

  private(set) var entries: Set<Entry> = []
  /// As many as a transaction may leave for its end.
  static let countMax = 1_000_000

  mutating func insert(
    _ table: TableState, _ reference: ReferenceState, _ values: [ColumnValue]
  ) throws(StorageError) {
    guard entries.count < Self.countMax else {
      throw .limitExceeded(what: "deferred references of one transaction", limit: UInt64(Self.countMax))
    }
    entries.insert(
      Entry(table: table.id, reference: Array(reference.definition.name.utf8), values: values))
  }

  mutating func removeAll() { entries = [] }
}

extension TableVolume {
  /// Throws when a deferred reference is left that refers to nothing.
  func requireDeferredReferences() throws(StorageError) {
    for entry in deferred.entries {
      // A table or a reference that was dropped meanwhile binds nobody.
      guard let child = catalog.find(entry.table),
        let reference = catalog.references[child].first(where: {
          $0.definition.name.utf8.elementsEqual(entry.reference)
        })
      else { continue }
      let table = catalog.tables[child]
      guard try !parentExists(reference, entry.values, nil) else { continue }
      var violation: StorageError?
      try forEachKey(table, reference.children, entry.values) { (key) throws(StorageError) in
        guard let row = try row(table, key) else { throw table.layout.damage }
        violation = table.violation(.reference, reference.definition.name, row)
        return false
      }
      if let violation { throw violation }
    }
    deferred.removeAll()
  }

  /// Whether there is a row that some values refer to, after the changes of a plan.
  func parentExists(
    _ reference: ReferenceState, _ values: [ColumnValue], _ plan: ChangePlan?
  ) throws(StorageError) -> Bool {
    let parent = catalog.tables[reference.parent]
    var key: [UInt8]?
    switch reference.target {
    case .primaryKey:
      var candidate: [UInt8] = []
      for (part, value) in values.enumerated() { parent.layout.key.append(value, as: part, to: &candidate) }
      if try tree(parent).contains(candidate) { key = candidate }
    case .index(let position): key = try uniqueKey(parent, parent.indexes[position], values)
    }
    guard let plan else { return key != nil }
    if let key {
      guard let change = plan.change(reference.parent, key) else { return true }
      if let new = change.new, reference.parentValues(of: new) == values { return true }
    }
    return plan.contains(reference.parent) { reference.parentValues(of: $0) == values }
  }
}
