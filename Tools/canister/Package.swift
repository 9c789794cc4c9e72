// swift-tools-version: 6.3
import PackageDescription

// What runs as WebAssembly, apart from the host's package: a host build never sees it. `Tools/dev wasm` builds it.

let embedded: [SwiftSetting] = [
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "cairn-canister",
  dependencies: [
    // No traits: a canister has no zlib.
    .package(name: "cairn", path: "../..", traits: [])
  ],
  targets: [
    .target(name: "CWasmRuntime"),
    .executableTarget(
      name: "Smoke",
      dependencies: ["CWasmRuntime", .product(name: "CairnCore", package: "cairn")],
      swiftSettings: embedded
    ),
  ],
  swiftLanguageModes: [.v6]
)
