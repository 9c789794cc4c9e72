import CairnBytes

/// What a table looks like: its columns, keys and rules. A value that a program builds, from a macro or by hand.
public struct TableSchema: Sendable {
  /// Its name, 1...64 bytes of UTF-8 without dots.
  public var name: String
  /// Its columns, in order.
  public var columns: [ColumnDefinition]
  /// The columns whose values tell its rows apart, and in whose order they lie. None may be null.
  public var primaryKey: [String]
  /// Its other ways to find rows.
  public var indexes: [IndexDefinition]
  /// Rows of other tables that its rows refer to.
  public var references: [ReferenceDefinition]
  /// What every row obeys.
  public var checks: [CheckDefinition]

  /// A table.
  public init(
    _ name: String, columns: [ColumnDefinition], primaryKey: [String], indexes: [IndexDefinition] = [],
    references: [ReferenceDefinition] = [], checks: [CheckDefinition] = []
  ) {
    self.name = name
    self.columns = columns
    self.primaryKey = primaryKey
    self.indexes = indexes
    self.references = references
    self.checks = checks
  }

  /// The position of a column.
  public func columnIndex(_ name: String) -> Int? {
    columns.firstIndex { $0.name.utf8.elementsEqual(name.utf8) }
  }

  /// A number that differs when anything stored of the schema does: XXH64 of its encoded form.
  public var hash: UInt64 {
    var writer = ByteWriter()
    encode(into: &writer)
    return XXHash64.digest(writer.bytes.span)
  }
}

/// A way to find rows by some columns.
public struct IndexDefinition: Hashable, Sendable {
  /// Its name, within the table.
  public var name: String
  /// The columns, the most significant first.
  public var columns: [String]
  /// No two rows have the same values; rows with a null among them are all different.
  public var isUnique: Bool
  /// Rows with null in one of these columns are left out.
  public var whereNotNull: [String]

  /// An index.
  public init(_ name: String, on columns: [String], isUnique: Bool = false, whereNotNull: [String] = []) {
    self.name = name
    self.columns = columns
    self.isUnique = isUnique
    self.whereNotNull = whereNotNull
  }
}

/// Columns whose values must be those of a row in another table, or null.
public struct ReferenceDefinition: Hashable, Sendable {
  /// Its name, within the table.
  public var name: String
  /// The columns that refer.
  public var columns: [String]
  /// The table that they refer to.
  public var table: String
  /// What they refer to there: the primary key, when empty, or the columns of a unique index.
  public var referencedColumns: [String]
  /// What becomes of the rows that refer to a row that is deleted.
  public var onDelete: ReferenceAction
  /// What becomes of the rows that refer to a row whose key is changed.
  public var onUpdate: ReferenceAction
  /// Whether it is looked at when the transaction commits rather than at once.
  public var isDeferred: Bool

  /// A reference.
  public init(
    _ name: String, from columns: [String], to table: String, _ referencedColumns: [String] = [],
    onDelete: ReferenceAction = .restrict, onUpdate: ReferenceAction = .restrict, isDeferred: Bool = false
  ) {
    self.name = name
    self.columns = columns
    self.table = table
    self.referencedColumns = referencedColumns
    self.onDelete = onDelete
    self.onUpdate = onUpdate
    self.isDeferred = isDeferred
  }
}

/// What becomes of rows when the row that they refer to goes or gets another key.
///
/// These are the rows that refer to it as the change leaves them, the changed row itself included: an update that gives a row
/// another key and makes it refer to its own old one is followed like any other (with `cascade` it refers to its new key
/// then). Rows that no longer refer to it, because the same change made them refer elsewhere, are left alone.
public enum ReferenceAction: UInt8, CaseIterable, Sendable {
  /// The change is refused while there are such rows. They are looked for when all other effects of the change are known,
  /// so rows that go in the same cascade do not count.
  case restrict = 0
  /// They go, or get the new key, too.
  case cascade = 1
  /// Their columns become null.
  case setNull = 2
  /// Their columns get their defaults.
  case setDefault = 3
}

/// What every row of a table obeys: its predicate must not be false.
public struct CheckDefinition: Hashable, Sendable {
  /// Its name, within the table.
  public var name: String
  /// The rule. As in SQL a comparison with null is neither true nor false, and passes.
  public var predicate: Predicate

  /// A rule.
  public init(_ name: String, _ predicate: Predicate) {
    self.name = name
    self.predicate = predicate
  }
}
