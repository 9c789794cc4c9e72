// The program with tables of the README, between the two marks.

// begin
import Cairn

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

func tableProgram(_ path: String) throws -> [String] {
  let store = try Store.open(path, createIfMissing: true)
  try store.openTables(User.self, Post.self)  // makes them, or adds what is new; with nothing to do, one look-up

  // A blob and its row: one commit, one flush.
  try store.transaction { txn in
    try txn.createBucket("media", ifMissing: true)
    try txn.bucket("media").put("cat.jpg", [0xFF, 0xD8, 0xFF])
    try txn.table(User.self).upsert(User(id: 1, name: "Ada", email: "ada@example.org", age: 36))
    try txn.table(User.self).upsert(User(id: 2, name: "Alan", email: "alan@example.org", age: 41))
    try txn.table(Post.self).insert(Post(id: 0, author: 1, title: "A cat", picture: "cat.jpg"))
  }

  let lines = try store.read { txn in
    let users = try txn.table(User.self)
    let grown = try users.filter { $0.age >= 18 && $0.name.hasPrefix("A") }.sorted { $0.age }.limit(20).all()
    let posts = try txn.table(Post.self).query.join(User.self) { post, user in post.author == user.id }.all()
    return grown.map(\.name) + posts.map { "\($0.second.name): \($0.first.title)" }
  }

  // The posts go with their author.
  try store.transaction { txn in _ = try txn.table(User.self).delete(1) }
  try store.close()
  return lines
}
// end
