import SwiftCompilerPlugin
import SwiftSyntaxMacros

/// The compiler plugin behind `@Table` and the attributes beside it.
@main
struct CairnTablePlugin: CompilerPlugin {
  let providingMacros: [any Macro.Type] = [TableMacro.self, ColumnAttributeMacro.self]
}
