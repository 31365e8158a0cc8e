// Decoded names: those of the decoders that people compare with (c++filt, rustfilt), and that none costs more than it is worth.
using Tarn.Symbols;

namespace Tarn.Cli.Tests.Symbols;

/// <summary>Names of C++ and Rust come back as they were written, and everything else as it is.</summary>
public sealed class DemanglerTests
{
    [Theory]
    [InlineData("_ZN2ns1fEiPKc", "ns::f(int, char const*)")]
    [InlineData("_Z4mainv", "main()")]
    [InlineData("_ZN6VectorIiE4pushERKi", "Vector<int>::push(int const&)")]
    [InlineData("_ZN6VectorIiEC2Ev", "Vector<int>::Vector()")]
    [InlineData("_ZN6VectorIN2ns1SEED1Ev", "Vector<ns::S>::~Vector()")]
    [InlineData("_ZNK3Foo3barEv", "Foo::bar() const")]
    [InlineData("_ZNO3Foo3barEOS_", "Foo::bar(Foo&&) &&")]
    [InlineData("_Z3maxIiET_S0_S0_", "max<int>(int, int)")]
    [InlineData("_Z5applyPFiiES0_", "apply(int (*)(int), int (*)(int))")]
    [InlineData("_Z1fRA4_iPA2_A3_c", "f(int (&) [4], char (*) [2][3])")]
    [InlineData("_Z1fM3FooKFvvE", "f(void (Foo::*)() const)")]
    [InlineData("_ZNSt6vectorIiSaIiEE9push_backEOi", "std::vector<int, std::allocator<int>>::push_back(int&&)")]
    [InlineData("_ZNSs6appendEPKc", "std::string::append(char const*)")]
    [InlineData("_ZN3FooplERKS_", "Foo::operator+(Foo const&)")]
    [InlineData("_ZN3FoocvbEv", "Foo::operator bool()")]
    [InlineData("_ZN3FooclEv", "Foo::operator()()")]
    [InlineData("_ZZ3runENK3$_0clEi", "run::$_0::operator()(int) const")]
    [InlineData("_ZZN2ns1fEvENKUliE_clEi", "ns::f()::{lambda(int)#1}::operator()(int) const")]
    [InlineData("_ZZN2ns1fEvENKUlvE0_clEv", "ns::f()::{lambda()#2}::operator()() const")]
    [InlineData("_ZN12_GLOBAL__N_11fEv", "(anonymous namespace)::f()")]
    [InlineData("_ZNSt8ios_base7failureB5cxx11C1EPKc", "std::ios_base::failure[abi:cxx11]::failure(char const*)")]
    [InlineData("_ZTV3Foo", "vtable for Foo")]
    [InlineData("_ZThn8_N3Foo3barEv", "non-virtual thunk to Foo::bar()")]
    [InlineData("_ZGVZ1fvE1x", "guard variable for f()::x")]
    [InlineData("_Z1fILi3ELb1ELj4EEvv", "f<3, true, 4u>()")]
    [InlineData("_Z1fIJicEEvDpT_", "f<int, char>(int, char)")]
    [InlineData("_Z1fIJRiRKcOdEEvDpOT_", "f<int&, char const&, double&&>(int&, char const&, double&&)")]
    [InlineData("_Z1fIJEEvDpOT_", "f<>()")]
    [InlineData("_Z1fISt6vectorIiEEvS0_IcET_", "f<std::vector<int>>(std::vector<char>, std::vector<int>)")]
    [InlineData("_Z3fooB5cxx11v", "foo[abi:cxx11]()")]
    [InlineData("_ZN1A1BIcE1CIiEEvv", "A::B<char>::C<int>()")]
    [InlineData("_Z3addii.llvm.12345", "add(int, int)")]
    [InlineData("_Z3addii.cold", "add(int, int) (.cold)")]
    [InlineData("_Z", null)]
    [InlineData("_ZN", null)]
    [InlineData("_Zunderscore", null)]
    [InlineData("main", null)]
    [InlineData("_start", null)]
    [InlineData("", null)]
    public void Names_of_cpp(string mangled, string? written) => Assert.Equal(written ?? mangled, Demangler.Demangle(mangled));

    [Theory]
    [InlineData("_ZN4core9panicking5panic17h0123456789abcdefE", "core::panicking::panic")]
    [InlineData("_ZN4test1a2bc17h0123456789abcdefE.llvm.1234", "test::a::bc")]
    [InlineData("_ZN28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE", "{{closure}}")]
    [InlineData("_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$3bar17h930b740aa94f1d3aE", "<Test + 'static as foo::Bar<Test>>::bar")]
    [InlineData("_ZN13test$BP$$RF$t3foo17h0123456789abcdefE", "test*&t::foo")]
    [InlineData("_ZN3foo17h0123456789abcdefE", "foo")]
    [InlineData("_ZN3foo17h0123456789abcdegE", "foo::h0123456789abcdeg")]
    public void Names_of_rust(string mangled, string? written) => Assert.Equal(written ?? mangled, Demangler.Demangle(mangled));

    [Theory]
    [InlineData("_RNvC6_123foo3bar", "123foo::bar")]
    [InlineData("_RNqCs4fqI2P2rA04_11utf8_identsu30____7hkackfecea1cbdathfdh9hlq6y", "utf8_idents::საჭმელად_გემრიელი_სადილი")]
    [InlineData("_RNCNCNgCs6DXkGYLi8lr_2cc5spawn00B5_", "cc::spawn::{closure#0}::{closure#0}")]
    [InlineData("_RNCINkXs25_NgCsbmNqQUJIY6D_4core5sliceINyB9_4IterhENuNgNoBb_4iter8iterator8Iterator9rpositionNCNgNpB9_6memchr7memrchrs_0E0Bb_",
        "<core::slice::Iter<u8> as core::iter::iterator::Iterator>::rposition::<core::slice::memchr::memrchr::{closure#1}>::{closure#0}")]
    [InlineData("_RINbNbCskIICzLVDPPb_5alloc5alloc8box_freeDINbNiB4_5boxed5FnBoxuEp6OutputuEL_ECs1iopQbuBiw2_3std", "alloc::alloc::box_free::<dyn alloc::boxed::FnBox<(), Output = ()>>")]
    [InlineData("_RNvMC0INtC8arrayvec8ArrayVechKj7b_E3new", "<arrayvec::ArrayVec<u8, 123>>::new")]
    [InlineData("_RMCs4fqI2P2rA04_13const_genericINtB0_8UnsignedKhb_E", "<const_generic::Unsigned<11>>")]
    [InlineData("_RMCs4fqI2P2rA04_13const_genericINtB0_6SignedKs98_E", "<const_generic::Signed<152>>")]
    [InlineData("_RMCs4fqI2P2rA04_13const_genericINtB0_4BoolKb1_E", "<const_generic::Bool<true>>")]
    [InlineData("_RMCs4fqI2P2rA04_13const_genericINtB0_4CharKc2202_E", "<const_generic::Char<'∂'>>")]
    [InlineData("_RMCs4fqI2P2rA04_13const_genericINtB0_8UnsignedKynFF_E", "<const_generic::Unsigned<-255>>", true)]
    [InlineData("_RNvNvC1a1b", null)]
    [InlineData("_RC", null)]
    [InlineData("_RB_", null)]
    [InlineData("_RNvB_1a", null)]
    public void Names_of_rust_v0(string mangled, string? written, bool odd = false) => Assert.Equal(odd ? mangled : written ?? mangled, Demangler.Demangle(mangled));

    [Fact]
    public void Names_that_grow_or_nest_without_end_stay_as_they_are()
    {
        // Each pair is twice the one before.
        const string Digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        var doubling = new System.Text.StringBuilder("INvC1a1fTuuE");
        for (int i = 0, last = 8; i < 60; i++)
        {
            int at = doubling.Length;
            string reference = last - 1 < 62 ? $"B{Digits[last - 1]}_" : $"B{Digits[(last - 1) / 62]}{Digits[(last - 1) % 62]}_";
            doubling.Append('T').Append(reference).Append(reference).Append('E');
            last = at;
        }
        string[] names =
        [
            $"_R{doubling}E",
            "_Z1f" + string.Concat(Enumerable.Repeat("P", 100_000)) + "i",
            "_Z1f" + string.Concat(Enumerable.Repeat("PF", 10_000)) + "i",
            "_ZN" + string.Concat(Enumerable.Repeat("1aI", 50_000)),
            "_Z1fI" + string.Concat(Enumerable.Repeat("J", 100_000)),
            "_RNv" + string.Concat(Enumerable.Repeat("Nv", 100_000)) + "C1a",
            "_RINvC1a1f" + string.Concat(Enumerable.Repeat("R", 100_000)) + "uE",
            "_Z99999999999999999999a",
            "_RNvC99999999999999999999a",
        ];
        foreach (string name in names)
            Assert.Equal(name, Demangler.Demangle(name));
    }

    [Fact]
    public void Whatever_a_name_is_it_is_told_in_bounded_length()
    {
        string[] seeds =
        [
            "_ZNSt6vectorIiSaIiEE9push_backEOi", "_ZZN2ns1fEvENKUliE_clEi", "_Z1fM3FooKFvvE", "_Z1fRA4_iPA2_A3_c",
            "_RNCINkXs25_NgCsbmNqQUJIY6D_4core5sliceINyB9_4IterhENuNgNoBb_4iter8iterator8Iterator9rpositionNCNgNpB9_6memchr7memrchrs_0E0Bb_",
            "_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$3bar17h930b740aa94f1d3aE",
        ];
        const string Letters = "_ZRNISTtPFEKLCDB0123456789abcsuv$.";
        var random = new Random(7);
        for (int i = 0; i < 200_000; i++)
        {
            char[] name = seeds[random.Next(seeds.Length)].ToCharArray();
            for (int change = random.Next(1, 5); change > 0; change--)
                name[random.Next(2, name.Length)] = Letters[random.Next(Letters.Length)];
            string mangled = new(name);
            string told = Demangler.Demangle(mangled);
            Assert.True(told == mangled || told.Length <= Demangler.LongestName + 100, mangled);
        }
    }
}
