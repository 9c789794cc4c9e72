#if arch(wasm32)
  import CanisterService

  // The second example: a whole canister out of what it stores.

  @Table struct User {
    @PrimaryKey var id: Int64
    var name: String
    @Unique var email: String
    @Index var age: Int32?
  }

  @Table struct Post {
    @PrimaryKey(autoIncrement: true) var id: Int64
    @References(User.self, onDelete: .cascade) var author: Int64
    var title: String
    var picture: String?
  }

  @Canister(tables: [User.self, Post.self], buckets: ["media"])
  enum Blog {}
#endif
