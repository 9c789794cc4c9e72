import CairnBlocks
import CairnBytes
import CairnVolumes

/// What an update of some columns has to do with one row, when the row's key stays and nothing refers to the table: found out
/// once for many rows.
final class UpdateShape {
  let table: TableState
  let columns: [Int]
  /// Whether each column is assigned.
  let isAssigned: [Bool]
  /// The columns whose old values are looked at.
  let isNeeded: [Bool]
  /// The indexes and references that the columns are about.
  let indexes: [IndexState]
  let references: [ReferenceState]

  init(_ table: TableState, _ columns: [Int], _ references: [ReferenceState]) {
    self.table = table
    self.columns = columns
    var isAssigned = [Bool](repeating: false, count: table.shapes.count)
    for column in columns { isAssigned[column] = true }
    // A check may be about any of the columns.
    var isNeeded = [Bool](repeating: !table.checks.isEmpty, count: table.shapes.count)
    for column in table.keyColumns { isNeeded[column] = true }
    indexes = table.indexes.filter { $0.isAbout(isAssigned) }
    for index in indexes { for column in index.columns + index.notNull { isNeeded[column] = true } }
    self.references = references.filter { reference in reference.columns.contains { isAssigned[$0] } }
    for reference in self.references { for column in reference.columns { isNeeded[column] = true } }
    self.isAssigned = isAssigned
    self.isNeeded = isNeeded
  }
}

extension TableVolume {
  /// Whether an update needs no plan: of one row, without its key, in a table that nothing refers to.
  func isDirect(
    _ position: Int, _ keys: [[UInt8]], _ assignments: [TableOperation.Assignment]
  ) -> Bool {
    guard keys.count == 1, catalog.incoming[position].isEmpty else { return false }
    let keyColumns = catalog.tables[position].keyColumns
    for assignment in assignments where keyColumns.contains(assignment.column) { return false }
    return true
  }

  private func shape(of position: Int, _ assignments: [TableOperation.Assignment]) -> UpdateShape {
    let table = catalog.tables[position]
    if let known = updateShape, known.table === table, known.columns.count == assignments.count {
      var isSame = true
      for index in assignments.indices where known.columns[index] != assignments[index].column { isSame = false }
      if isSame { return known }
    }
    let shape = UpdateShape(table, assignments.map { $0.column }, catalog.references[position])
    updateShape = shape
    return shape
  }

  /// Changes some columns of one row for which `isDirect` holds; false: there is no such row. Only what is about these columns
  /// is looked at, and only their bytes of the row are made anew where they have a fixed place.
  func updateDirectly(
    _ position: Int, _ key: [UInt8], _ assignments: [TableOperation.Assignment]
  ) throws(StorageError) -> Bool {
    let shape = shape(of: position, assignments)
    let table = shape.table
    var row: [UInt8] = []
    let found = try BulkCopy.withRawSpan(of: key) { (key) throws(StorageError) in
      try tree(table).withValue(for: key) { (bytes) throws(StorageError) -> [ColumnValue] in
        BulkCopy.append(bytes, to: &row)
        return try table.layout.values(key, bytes, where: shape.isNeeded)
      }
    }
    guard let old = found else { return false }
    var new = old
    for assignment in assignments { new[assignment.column] = assignment.value }
    for assignment in assignments
    where assignment.value.isNull && !table.shapes[assignment.column].isOptional {
      throw table.violation(.notNull, table.schema.columns[assignment.column].name, new)
    }
    for (number, check) in table.checks.enumerated() where check.truth(new) == .no {
      throw table.violation(.check, table.schema.checks[number].name, new)
    }
    row = try changed(row, key, assignments, in: table)
    // Everything that can refuse it is looked at before anything changes.
    var moves: [(index: IndexState, before: [UInt8]?, after: [UInt8]?)] = []
    for index in shape.indexes {
      let before = index.includes(old) ? entry(index, key, old) : nil
      let after = index.includes(new) ? entry(index, key, new) : nil
      guard before != after else { continue }
      if let after { try requireRoom(after, table, index, key, new) }
      moves.append((index, before, after))
    }
    for reference in shape.references {
      guard let values = reference.values(of: new), values != reference.values(of: old) else { continue }
      if reference.definition.isDeferred {
        try deferred.insert(table, reference, values)
      } else if try !parentExists(reference, values, nil) {
        throw table.violation(.reference, reference.definition.name, new)
      }
    }
    let byteCount = try overwrite(table, key, row)
    for move in moves {
      if let before = move.before { try tree(move.index).delete(before) }
      if let after = move.after { try tree(move.index).put(after, []) }
    }
    try volume.account(items: 0, bytes: Int64(row.count) - Int64(byteCount))
    if let column = table.autoIncrement, shape.isAssigned[column] { try raiseCounter(of: table, above: new[column]) }
    return true
  }

  /// Takes a row to which nothing refers away, and its index entries; false: there is none. Only what the indexes have of it is
  /// looked at.
  func removeDirectly(_ table: TableState, _ key: [UInt8]) throws(StorageError) -> Bool {
    let found = try BulkCopy.withRawSpan(of: key) { (key) throws(StorageError) in
      try tree(table).withValue(for: key) { (row) throws(StorageError) in
        try table.layout.values(key, row, where: table.isIndexed)
      }
    }
    guard let values = found else { return false }
    try remove(table, key, values)
    return true
  }

  /// The bytes of a row with other values in some columns.
  private func changed(
    _ row: [UInt8], _ key: [UInt8], _ assignments: [TableOperation.Assignment], in table: TableState
  ) throws(StorageError) -> [UInt8] {
    var changed = row
    var isPatched = true
    for assignment in assignments where isPatched {
      isPatched = table.layout.patch(assignment.column, with: assignment.value, in: &changed)
    }
    if isPatched { return changed }
    var values = try BulkCopy.withRawSpan(of: key) { (key) throws(StorageError) in
      try BulkCopy.withRawSpan(of: row) { (row) throws(StorageError) in try table.layout.values(key, row) }
    }
    for assignment in assignments { values[assignment.column] = assignment.value }
    return try encodedRow(table, values)
  }

  /// Throws when an index entry is too long, or another row has its values where no two may.
  private func requireRoom(
    _ entry: [UInt8], _ table: TableState, _ index: IndexState, _ key: [UInt8], _ new: [ColumnValue]
  ) throws(StorageError) {
    let limit = volume.root.maximumKeyByteCount
    guard entry.count <= limit else { throw .invalidKey(byteCount: entry.count, limit: limit) }
    guard index.isUnique(for: new), let other = try uniqueKey(table, index, index.columns.map { new[$0] }),
      other != key
    else { return }
    throw table.violation(.unique, index.definition.name, new)
  }
}
