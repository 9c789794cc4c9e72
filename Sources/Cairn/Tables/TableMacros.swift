public import CairnTables

// The attributes that declare tables. The plugin CairnTableMacros reads them when a program is compiled.

/// Makes a struct the rows of a table: its stored properties are the columns.
///
///     @Table struct User {
///       @PrimaryKey var id: Int64
///       var name: String
///       @Unique var email: String
///       @Index var age: Int32?
///     }
///
/// The struct becomes a ``TableRow``, as visible as it is itself, and keeps its memberwise initializer. Checks on more
/// than one column are a static function `checks(_ columns: Columns) -> [CheckDefinition]` of the struct.
///
/// - Parameters:
///   - name: the table's name; the struct's unless it is given.
///   - primaryKey: the columns of a composite primary key in their order, instead of `@PrimaryKey` at each.
///   - unique: keys of several columns that no two rows share, each a list of columns.
///   - indexes: indexes of several columns, each a list of columns.
///   - references: references of several columns, as in `[.columns(["artist", "album"], to: Album.self)]`.
@attached(
  extension, conformances: TableRow,
  names: named(Columns), named(tableName), named(tableDefinition), named(tableSchema), named(init(rowValues:)),
  named(rowValues), named(tableKey))
public macro Table(
  _ name: String? = nil, primaryKey: [String] = [], unique: [[String]] = [], indexes: [[String]] = [],
  references: [TableReference] = []
) = #externalMacro(module: "CairnTableMacros", type: "TableMacro")

/// The column is the primary key, or, at several columns, the next part of it.
///
/// - Parameter autoIncrement: a row that is inserted with 0 here gets the next number.
@attached(peer)
public macro PrimaryKey(autoIncrement: Bool = false) =
  #externalMacro(module: "CairnTableMacros", type: "ColumnAttributeMacro")

/// No two rows have the same value here; null is no value. The column gets an index, called like it unless it is named.
@attached(peer)
public macro Unique(_ name: String? = nil, whereNotNull: Bool = false) =
  #externalMacro(module: "CairnTableMacros", type: "ColumnAttributeMacro")

/// The column gets an index, called like it unless it is named.
///
/// - Parameter whereNotNull: rows with null here are left out of the index.
@attached(peer)
public macro Index(_ name: String? = nil, whereNotNull: Bool = false) =
  #externalMacro(module: "CairnTableMacros", type: "ColumnAttributeMacro")

/// The column holds the primary key of a row of another table, or of this one.
///
/// - Parameters:
///   - table: the type of that table's rows.
///   - onDelete: what becomes of this row when that one is deleted.
///   - onUpdate: what becomes of this row when that one's key changes.
///   - deferred: whether that row must be there only at the end of the transaction.
@attached(peer)
public macro References(
  _ table: Any.Type, onDelete: ReferenceAction = .restrict, onUpdate: ReferenceAction = .restrict,
  deferred: Bool = false
) = #externalMacro(module: "CairnTableMacros", type: "ColumnAttributeMacro")

/// What rows hold in the column that do not say: rows of before the column, and rows that are inserted by the names of
/// their columns.
@attached(peer)
public macro Default(_ value: ColumnLiteral) =
  #externalMacro(module: "CairnTableMacros", type: "ColumnAttributeMacro")

/// What rows hold in the column that do not say: a case of an enumeration.
@attached(peer)
public macro Default<Value: ColumnEnumeration>(_ value: Value) =
  #externalMacro(module: "CairnTableMacros", type: "ColumnAttributeMacro")

/// What rows hold in the column that do not say: a value of a type of your own.
@attached(peer)
public macro Default<Value: NestedValue>(_ value: Value) =
  #externalMacro(module: "CairnTableMacros", type: "ColumnAttributeMacro")

/// What rows hold in the column that do not say: a decimal number.
@attached(peer)
public macro Default(_ value: ExactDecimal) =
  #externalMacro(module: "CairnTableMacros", type: "ColumnAttributeMacro")

/// What rows hold in the column that do not say: a date.
@attached(peer)
public macro Default(_ value: CalendarDate) =
  #externalMacro(module: "CairnTableMacros", type: "ColumnAttributeMacro")

/// What rows hold in the column that do not say: a time.
@attached(peer)
public macro Default(_ value: Timestamp) =
  #externalMacro(module: "CairnTableMacros", type: "ColumnAttributeMacro")

/// What rows hold in the column that do not say: an identifier.
@attached(peer)
public macro Default(_ value: UniqueID) =
  #externalMacro(module: "CairnTableMacros", type: "ColumnAttributeMacro")

/// What rows hold in the column that do not say, made for each row: `.now` or `.randomID`.
@attached(peer)
public macro Default(_ value: GeneratedDefault) =
  #externalMacro(module: "CairnTableMacros", type: "ColumnAttributeMacro")

/// A condition that the column obeys in every row: `@Check({ $0 >= 0 })`. Null is not asked.
@attached(peer)
public macro Check(_ condition: (CheckedColumn) -> Predicate) =
  #externalMacro(module: "CairnTableMacros", type: "ColumnAttributeMacro")

/// A condition with a name, which the error gives when a row breaks it.
@attached(peer)
public macro Check(_ name: String, _ condition: (CheckedColumn) -> Predicate) =
  #externalMacro(module: "CairnTableMacros", type: "ColumnAttributeMacro")

/// The column's name, where it is not the property's.
@attached(peer)
public macro Column(_ name: String) =
  #externalMacro(module: "CairnTableMacros", type: "ColumnAttributeMacro")

/// What is done to values of the column before they are checked and stored: `@Sanitize(.trim, .lowercase)`.
@attached(peer)
public macro Sanitize(_ sanitizers: Sanitizer...) =
  #externalMacro(module: "CairnTableMacros", type: "ColumnAttributeMacro")

/// What values of the column must obey: `@Validate(.email)`.
@attached(peer)
public macro Validate(_ validators: Validator...) =
  #externalMacro(module: "CairnTableMacros", type: "ColumnAttributeMacro")

/// A reference of several columns, in the arguments of `@Table`.
public struct TableReference: Sendable {
  /// These columns together hold a key of a row of another table, or of this one, unless one of them is null.
  ///
  /// - Parameters:
  ///   - columns: the columns, in the order of the key's.
  ///   - table: the type of that table's rows.
  ///   - key: the columns of a unique index there; its primary key, when there are none.
  ///   - name: what errors call the reference; the columns' names unless it is given.
  ///   - onDelete: what becomes of this row when that one is deleted.
  ///   - onUpdate: what becomes of this row when that one's key changes.
  ///   - deferred: whether that row must be there only at the end of the transaction.
  public static func columns(
    _ columns: [String], to table: Any.Type, key: [String] = [], named name: String? = nil,
    onDelete: ReferenceAction = .restrict, onUpdate: ReferenceAction = .restrict, deferred: Bool = false
  ) -> TableReference { TableReference() }
}

/// A default that is made for each row.
public enum GeneratedDefault: Sendable {
  /// The time of the transaction, for timestamps.
  case now
  /// A random identifier, for unique identifiers.
  case randomID
}
