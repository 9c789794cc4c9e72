// swift-tools-version: 6.3
import PackageDescription

// What runs as WebAssembly, apart from the host's package: a host build never sees it. `Tools/dev canister` builds it.

let embedded: [SwiftSetting] = [
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "cairn-canister",
  products: [
    .library(name: "Canister", targets: ["Canister"]),
    .library(name: "Candid", targets: ["Candid"]),
    .library(name: "CanisterService", targets: ["CanisterService"]),
  ],
  dependencies: [
    // No traits: a canister has no zlib.
    .package(name: "cairn", path: "../..", traits: [])
  ],
  targets: [
    // What Embedded Swift asks of a C library.
    .target(name: "CWasmRuntime"),
    // The functions that a replica lends to a canister.
    .target(name: "CSystemAPI"),
    // Stable memory, messages and time of the canister that the code runs in.
    .target(
      name: "Canister",
      dependencies: ["CSystemAPI", "CWasmRuntime", .product(name: "CairnCore", package: "cairn")],
      swiftSettings: embedded
    ),
    // The language of arguments and replies.
    .target(name: "Candid", swiftSettings: embedded),

    // The example: a backend with objects, a typed map and transactions over several messages, in two versions.
    .target(
      name: "Backend", dependencies: ["Canister", "Candid", .product(name: "CairnCore", package: "cairn")],
      swiftSettings: embedded
    ),
    .executableTarget(name: "BackendOne", dependencies: ["Backend", "Canister", "Candid"], swiftSettings: embedded),
    .executableTarget(name: "BackendTwo", dependencies: ["Backend", "Canister", "Candid"], swiftSettings: embedded),
    // The example with methods that fail on purpose, for the tests.
    .executableTarget(name: "BackendFaulty", dependencies: ["Backend", "Canister", "Candid"], swiftSettings: embedded),
    // What `@Canister` generates calls of.
    .target(
      name: "CanisterService",
      dependencies: [
        "Canister", "Candid", .product(name: "CairnCore", package: "cairn"),
      ], swiftSettings: embedded),
    // The second example: a canister that is declared and not written.
    .executableTarget(name: "Blog", dependencies: ["CanisterService"], swiftSettings: embedded),
    // What `Tools/dev canister --bench` measures.
    .executableTarget(
      name: "Bench", dependencies: ["Canister", .product(name: "CairnCore", package: "cairn")], swiftSettings: embedded),

    // Uses every public entry point of the portable layers.
    .executableTarget(
      name: "Smoke",
      dependencies: ["CWasmRuntime", .product(name: "CairnCore", package: "cairn")],
      swiftSettings: embedded
    ),
  ],
  swiftLanguageModes: [.v6]
)
