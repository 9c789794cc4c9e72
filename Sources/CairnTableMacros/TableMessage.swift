import SwiftDiagnostics

/// What can be wrong with a table's declaration.
enum TableMessage: DiagnosticMessage {
  case notAStruct(String)
  case generic
  case noKey
  case noColumns
  case unsupportedType(column: String, type: String, advice: String)
  case noType(column: String)
  case severalVariables
  case constant(column: String)
  case optionalKey(column: String)
  case duplicateColumn(String)
  case duplicateAttribute(String, column: String)
  case unknownColumn(String)
  case keyTwice
  case notALiteral(String)
  case notAColumn(String)
  case reservedName(String)
  case strayAttribute(String)

  var message: String {
    switch self {
    case .notAStruct(let kind): "@Table goes with a struct, not with \(kind)"
    case .generic: "a table's struct can not be generic"
    case .noKey: "a table needs a primary key: put @PrimaryKey before a column, or name columns in @Table(primaryKey:)"
    case .noColumns: "a table needs a stored property"
    case .unsupportedType(let column, let type, let advice):
      "column '\(column)' can not be of type '\(type)'; \(advice)"
    case .noType(let column): "column '\(column)' needs a type: write it behind a colon"
    case .severalVariables: "each column is declared by itself"
    case .constant(let column): "column '\(column)' is a constant with a value, which no row could set"
    case .optionalKey(let column): "column '\(column)' of the primary key can not be optional"
    case .duplicateColumn(let name): "there are two columns by the name '\(name)'"
    case .duplicateAttribute(let name, let column): "column '\(column)' has @\(name) twice"
    case .unknownColumn(let name): "there is no column '\(name)'"
    case .keyTwice: "the primary key is given by @Table(primaryKey:) and by @PrimaryKey; use one of them"
    case .notALiteral(let what): "\(what) must be written as a literal, since it is read when the program is compiled"
    case .notAColumn(let name): "@\(name) goes with a stored property; this one is not stored in rows"
    case .reservedName(let name): "'\(name)' is a name that @Table generates; call the property otherwise"
    case .strayAttribute(let name): "@\(name) goes with the stored properties of a struct with @Table"
    }
  }

  var diagnosticID: MessageID {
    // The name of the case alone: messages change, identifiers do not.
    let name = "\(self)".prefix { $0 != "(" }
    return MessageID(domain: "CairnTableMacros", id: String(name))
  }

  var severity: DiagnosticSeverity { .error }
}

/// What a fix-it does.
enum TableFix: FixItMessage {
  case useStruct
  case addPrimaryKey(column: String)
  case useType(String)
  case useVar
  case removeOptional
  case removeAttribute(String)
  case useColumn(String)

  var message: String {
    switch self {
    case .useStruct: "make it a struct"
    case .addPrimaryKey(let column): "make '\(column)' the primary key"
    case .useType(let type): "use '\(type)'"
    case .useVar: "use 'var'"
    case .removeOptional: "remove '?'"
    case .removeAttribute(let name): "remove @\(name)"
    case .useColumn(let name): "use '\(name)'"
    }
  }

  var fixItID: MessageID {
    let name = "\(self)".prefix { $0 != "(" }
    return MessageID(domain: "CairnTableMacros", id: "fix-" + name)
  }
}
