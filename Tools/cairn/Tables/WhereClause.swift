internal import CairnTables

/// A condition as a person writes it, read into a predicate on the columns of a schema.
///
///     condition   term OR term ...
///     term        factor AND factor ...
///     factor      NOT factor | ( condition ) | TRUE | comparison
///     comparison  column = value          also != <> < <= > >=; the value may be a column
///                 column [NOT] BETWEEN value AND value
///                 column [NOT] IN ( value, value ... )
///                 column IS [NOT] NULL
///                 column [NOT] PREFIX 'text'
///                 column [NOT] CONTAINS 'text'
///     column      a name; in double quotes when it is no plain word
///     value       a number, TRUE, FALSE, or anything else in single quotes (a quote in it doubled)
///
/// Words in capitals may be written in lower case. What a value means is up to the column's type: `born >= '1970-01-01'`.
struct WhereClause {
  /// The grammar, for the help page.
  static let help = """
    A condition: COLUMN = VALUE (also != < <= > >=), COLUMN BETWEEN A AND B, COLUMN IN (A, B), COLUMN IS NULL, \
    COLUMN PREFIX 'text', COLUMN CONTAINS 'text'; NOT before BETWEEN, IN, NULL, PREFIX, CONTAINS or a condition; \
    AND, OR and parentheses. Numbers, TRUE and FALSE are written as they are, everything else in single quotes.
    """

  private let schema: TableSchema
  private var tokens: [ClauseToken]
  private var position = 0

  /// Parentheses in each other.
  private static let depthMax = 32

  /// The predicate that a text stands for.
  static func predicate(_ text: String, on schema: TableSchema) throws -> Predicate {
    var clause = WhereClause(schema: schema, tokens: try ClauseToken.tokens(of: text))
    let predicate = try clause.condition(depth: 0)
    guard clause.peek == nil else { throw clause.expected("AND, OR or the end") }
    return predicate
  }

  private init(schema: TableSchema, tokens: [ClauseToken]) {
    self.schema = schema
    self.tokens = tokens
  }

  // MARK: Grammar

  private mutating func condition(depth: Int) throws -> Predicate {
    guard depth < Self.depthMax else {
      throw Failure("the condition has more than \(Self.depthMax) parentheses in each other", .usage)
    }
    var terms = [try term(depth)]
    while skip("OR") { terms.append(try term(depth)) }
    return terms.count == 1 ? terms[0] : .or(terms)
  }

  private mutating func term(_ depth: Int) throws -> Predicate {
    var factors = [try factor(depth)]
    while skip("AND") { factors.append(try factor(depth)) }
    return factors.count == 1 ? factors[0] : .and(factors)
  }

  private mutating func factor(_ depth: Int) throws -> Predicate {
    if skip("NOT") {
      guard depth < Self.depthMax else { throw Failure("the condition says NOT too often in a row", .usage) }
      return .not(try factor(depth + 1))
    }
    if skip(symbol: "(") {
      let inner = try condition(depth: depth + 1)
      try require(symbol: ")")
      return inner
    }
    if skip("TRUE") { return .always }
    return try comparison()
  }

  private mutating func comparison() throws -> Predicate {
    let column = try column()
    if let comparison = comparisonSymbol() {
      if isColumn { return .compareColumns(column.name, comparison, try self.column().name) }
      return .compare(column.name, comparison, try value(column))
    }
    if skip("IS") {
      let isNegated = skip("NOT")
      guard skip("NULL") else { throw expected("NULL") }
      return isNegated ? .not(.isNull(column.name)) : .isNull(column.name)
    }
    let isNegated = skip("NOT")
    let predicate = try rangeOrText(column)
    return isNegated ? .not(predicate) : predicate
  }

  private mutating func rangeOrText(_ column: ColumnDefinition) throws -> Predicate {
    if skip("BETWEEN") {
      let lower = try value(column)
      guard skip("AND") else { throw expected("AND") }
      return .between(column.name, lower, try value(column))
    }
    if skip("IN") {
      try require(symbol: "(")
      var values = [try value(column)]
      while skip(symbol: ",") { values.append(try value(column)) }
      try require(symbol: ")")
      return .isIn(column.name, values)
    }
    if skip("PREFIX") { return .hasPrefix(column.name, try value(column)) }
    if skip("CONTAINS") { return .contains(column.name, try value(column)) }
    throw expected("a comparison, BETWEEN, IN, IS, PREFIX or CONTAINS")
  }

  // MARK: Parts

  /// Whether a column comes next where a value might.
  private var isColumn: Bool {
    switch peek {
    case .name: true
    case .word(let text): !["TRUE", "FALSE", "NULL"].contains(text.uppercased())
    default: false
    }
  }

  private mutating func column() throws -> ColumnDefinition {
    let name: String
    switch peek {
    case .name(let text), .word(let text): name = text
    default: throw expected("a column")
    }
    guard let index = schema.columnIndex(name) else { throw Failure.noColumn(name, of: schema) }
    position += 1
    return schema.columns[index]
  }

  /// A value of a column's type.
  private mutating func value(_ column: ColumnDefinition) throws -> ColumnValue {
    let text: String
    switch peek {
    case .text(let quoted): text = quoted
    case .number(let digits):
      guard column.type != .string else {
        throw Failure("column '\(column.name)' holds text: write '\(digits)' in single quotes", .usage)
      }
      text = digits
    case .word(let word) where ["TRUE", "FALSE"].contains(word.uppercased()): text = word.lowercased()
    case .word(let word) where word.uppercased() == "NULL":
      throw Failure("nothing compares with null: write IS NULL or IS NOT NULL", .usage)
    default: throw expected("a value")
    }
    guard let value = column.type.parse(text) else {
      throw Failure("'\(text)' is no value of column '\(column.name)', which is of type \(column.type)", .usage)
    }
    position += 1
    return value
  }

  private mutating func comparisonSymbol() -> Comparison? {
    guard case .symbol(let symbol)? = peek else { return nil }
    let comparison: Comparison
    switch symbol {
    case "=", "==": comparison = .equal
    case "!=", "<>": comparison = .notEqual
    case "<": comparison = .less
    case "<=": comparison = .lessOrEqual
    case ">": comparison = .greater
    case ">=": comparison = .greaterOrEqual
    default: return nil
    }
    position += 1
    return comparison
  }

  private var peek: ClauseToken? { position < tokens.count ? tokens[position] : nil }

  private mutating func skip(_ word: String) -> Bool {
    guard case .word(let text)? = peek, text.uppercased() == word else { return false }
    position += 1
    return true
  }

  private mutating func skip(symbol: String) -> Bool {
    guard peek == .symbol(symbol) else { return false }
    position += 1
    return true
  }

  private mutating func require(symbol: String) throws {
    guard skip(symbol: symbol) else { throw expected("'\(symbol)'") }
  }

  private func expected(_ what: String) -> Failure {
    let place = peek.map { "before \($0.text)" } ?? "at the end"
    return Failure("the condition lacks \(what) \(place)", .usage)
  }
}
