/// Powers of ten and digits of whole numbers of 128 bits.
enum DecimalDigits {
  /// 10^n for n in 0...38, the powers that 128 bits hold.
  private static let powers: [UInt128] = {
    var powers: [UInt128] = [1]
    for place in 1...38 { powers.append(powers[place - 1] * 10) }
    return powers
  }()

  /// 10^`exponent`, which is in 0...38.
  static func power(_ exponent: Int) -> UInt128 { powers[exponent] }

  /// How many digits a number has; 0 has none.
  static func count(_ value: UInt128) -> Int {
    var (low, high) = (0, powers.count)
    while low < high {
      let middle = (low + high) / 2
      if powers[middle] <= value { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The digits as characters, the first one first; none for 0.
  static func characters(_ value: UInt128) -> [UInt8] {
    var characters: [UInt8] = []
    var rest = value
    while rest != 0 {
      let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
      characters.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit))
      rest = quotient
    }
    characters.reverse()
    return characters
  }
}
