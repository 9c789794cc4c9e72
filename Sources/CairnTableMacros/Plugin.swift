import SwiftCompilerPlugin
import SwiftSyntaxMacros

/// The compiler plugin behind `@Table`, the attributes beside it, and `@Canister`.
@main
struct CairnTablePlugin: CompilerPlugin {
  let providingMacros: [any Macro.Type] = [TableMacro.self, ColumnAttributeMacro.self, CanisterMacro.self]
}
