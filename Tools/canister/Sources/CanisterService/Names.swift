#if arch(wasm32)
  @_exported public import CairnBlocks
  @_exported public import CairnBytes
  @_exported public import CairnTables
  @_exported public import CairnVolumes

  /// What `@Table` writes is for programs that import the module `Cairn`, which hosts alone have; here its names stand in a type.
  public enum Cairn {
    /// What a struct with `@Table` becomes.
    public typealias TableRow = CairnTables.TableRow
    /// The columns, as closures of queries name them.
    public typealias TableColumns = CairnTables.TableColumns
    /// A column in such a closure.
    public typealias Column = CairnTables.Column
    /// A value of a row.
    public typealias ColumnValue = CairnTables.ColumnValue
    /// Reads the values of a row.
    public typealias RowValues = CairnTables.RowValues
    /// A table as it is declared.
    public typealias TableSchema = CairnTables.TableSchema
    /// A schema that was checked once.
    public typealias TableDefinition = CairnTables.TableDefinition
    /// A column as it is declared.
    public typealias ColumnDefinition = CairnTables.ColumnDefinition
    /// An index as it is declared.
    public typealias IndexDefinition = CairnTables.IndexDefinition
    /// A reference as it is declared.
    public typealias ReferenceDefinition = CairnTables.ReferenceDefinition
    /// A condition on every row.
    public typealias CheckDefinition = CairnTables.CheckDefinition
    /// A condition.
    public typealias Predicate = CairnTables.Predicate
    /// A key of more than three columns.
    public typealias KeyValues = CairnTables.KeyValues
    /// A key of two columns.
    public typealias Pair = CairnBytes.Pair
    /// A key of three columns.
    public typealias Triple = CairnBytes.Triple
    /// What can go wrong.
    public typealias StorageError = CairnBlocks.StorageError
  }
#endif
