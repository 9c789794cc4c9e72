#if arch(wasm32)
  import Candid
  import Canister

  // The interface description, made of the same types that the methods read and answer with.

  extension Service {
    /// `__get_candid_interface_tmp_hack : () -> (text) query`: where tools look for the description of a canister.
    public func describe() { Message.reply(CandidEncoder.message(.text, .text(interface))) }

    private var interface: String {
      var text = ""
      for table in tables { text += "type \(table.name)_row = \(table.rowType.description);\n" }
      text += "type value = \(AnyValue.type.description);\n"
      text += "service : {\n"
      func method(_ name: String, _ arguments: [String], _ result: String, isQuery: Bool = false) {
        let answer = "variant { ok\(result == "null" ? "" : " : " + result); err : text }"
        text += "  \(name) : (\(arguments.joined(separator: ", "))) -> (\(answer))\(isQuery ? " query" : "");\n"
      }
      for table in tables {
        let (row, key) = (table.name + "_row", table.keyType.description)
        method(table.name + "_insert", [row, "opt nat64"], row)
        method(table.name + "_upsert", [row, "opt nat64"], "bool")
        method(table.name + "_replace", [row, "opt nat64"], "bool")
        method(table.name + "_update", [key, Self.assignmentsType.description, "opt nat64"], "bool")
        method(table.name + "_delete", [key, "opt nat64"], "bool")
        method(table.name + "_delete_where", [Self.filterType.description, "opt nat64"], "null")
        method(table.name + "_get", [key, "opt nat64"], "opt " + row, isQuery: true)
        method(
          table.name + "_find", [Self.queryType.description, "opt nat64"],
          "record { rows : vec \(row); next : opt blob }", isQuery: true)
        method(
          table.name + "_count", ["opt " + Self.filterType.description, "opt nat64"], "nat64", isQuery: true)
      }
      for bucket in buckets {
        let name = Self.methodName(bucket)
        method(name + "_put", ["key : text", "contents : blob", "opt nat64"], "text")
        method(name + "_delete", ["key : text", "opt nat64"], "bool")
        method(name + "_get", ["key : text", "offset : nat64", "count : nat64", "opt nat64"], "blob", isQuery: true)
        method(name + "_head", ["key : text", "opt nat64"], Self.objectType.description, isQuery: true)
        method(
          name + "_list", ["prefix : text", "after : opt text", "limit : nat64", "opt nat64"],
          "vec " + Self.objectType.description, isQuery: true)
      }
      method("begin", ["lease_seconds : nat64"], "nat64")
      method("commit", ["transaction : nat64"], "null")
      method("rollback", ["transaction : nat64"], "null")
      method("grant", ["principal", Self.rightType.description, "table : opt text"], "null")
      method("revoke", ["principal", "table : opt text"], "null")
      method("step", ["budget : nat64"], "bool")
      method("check", Self.checkArguments, Self.checkType.description, isQuery: true)
      let figures = Self.statusNames.map { $0 + " : nat64" }.joined(separator: "; ")
      method("status", [], "record { \(figures) }", isQuery: true)
      return text + "}\n"
    }

    /// A bucket's name as methods have it: what is no letter and no digit is an underscore. `@Canister` does the same.
    private static func methodName(_ bucket: String) -> String {
      String(
        decoding: bucket.utf8.map { byte in
          let isPlain = (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A) || (byte >= 0x30 && byte <= 0x39)
          return isPlain ? byte : 0x5F
        }, as: UTF8.self)
    }
  }
#endif
