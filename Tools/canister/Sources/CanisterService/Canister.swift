#if arch(wasm32)
  public import CairnTables

  /// Makes an enumeration a whole canister: its methods, its stable memory, its interface description.
  ///
  ///     @Canister(tables: [User.self, Post.self], buckets: ["media"])
  ///     enum Blog {}
  ///
  /// Who installs it administers it; everybody else needs a grant. For each table there are the updates `user_insert`,
  /// `user_upsert`, `user_replace`, `user_update`, `user_delete`, `user_delete_where` and the queries `user_get`, `user_find`,
  /// `user_count`; for each bucket the updates `media_put`, `media_delete` and the queries `media_get`, `media_head`, `media_list`.
  /// All of them take the id of a transaction that `begin` returned, or none: with one an update is staged, `commit` makes all that
  /// is take effect at once, and a query sees what is staged. Beside them stand `rollback`, `grant`, `revoke`, `step` and the
  /// queries `check`, `status` and `__get_candid_interface_tmp_hack`, which tells all types.
  ///
  /// - Parameters:
  ///   - tables: the types of rows, each a struct with `@Table`. A method is called like the struct, in lower case.
  ///   - buckets: the names of buckets.
  @attached(member, names: named(service))
  @attached(peer)
  public macro Canister(tables: [any TableRow.Type] = [], buckets: [String] = []) =
    #externalMacro(module: "CairnTableMacros", type: "CanisterMacro")
#endif
